/**
 * A model Kernel with one mounted handle and both its sides at hand: for the tests of this folder
 * and of what feeds the model. Nothing in the engine imports this file.
 */
import { encodeReply, encodeRequest } from '../protocol/build.ts';
import { concat, writeU32 } from '../protocol/cursor.ts';
import { errnoName } from '../protocol/errno.ts';
import { bareReply } from '../protocol/header.ts';
import { type InitFlag, initMask, splitInitFlags } from '../protocol/init-flags.ts';
import { Request } from '../protocol/message.ts';
import { OP, type OpName } from '../protocol/opcodes.ts';
import type { Args } from '../protocol/parts.ts';
import type { Outcome, RequestSpec, Ticket } from './feed.ts';
import { BLOCK, type ConnId, type HandleId, type MountCall, type MountResult } from './kernel.ts';
import { ModelKernel } from './model.ts';
import type { ModelOptions } from './model-feed.ts';

export const DIRECTORY = 'rootmode=40000,user_id=0,group_id=0';

/** A result as a person says it: a length, `BLOCK`, or the name of the errno. */
export function say(result: number): number | string {
  if (result === BLOCK) return 'BLOCK';
  return result < 0 ? errnoName(result) : result;
}

/** A written message: header with the true length unless `len` says otherwise, and a body. */
export function written(
  unique: bigint,
  error: number,
  body: Uint8Array = new Uint8Array(0),
  len = 16 + body.length,
): Uint8Array {
  const message = concat([bareReply(unique, error), body]);
  writeU32(message, 0, len);
  return message;
}

export class Scene {
  readonly kernel: ModelKernel;
  readonly handle: HandleId;
  conn: ConnId = 0;
  /** What the feed was told, oldest first. */
  readonly ends: { ticket: Ticket; error: string | number; replied: boolean; body: Uint8Array }[] =
    [];
  readonly inits: { conn: ConnId; accepted: boolean; body: Uint8Array }[] = [];
  readonly notifications: number[] = [];
  readonly woken: HandleId[] = [];
  readonly #into = new Uint8Array(1 << 21);

  constructor(options: ModelOptions = {}) {
    this.kernel = new ModelKernel(options);
    this.kernel.onEnd = (ticket, { error, replied, body }: Outcome) =>
      this.ends.push({ ticket, error: say(error), replied, body: body.slice() });
    this.kernel.onInit = (conn, accepted, body) => this.inits.push({ conn, accepted, body });
    this.kernel.onNotify = (_conn, code) => this.notifications.push(code);
    this.kernel.onWake = (handle) => this.woken.push(handle);
    this.handle = this.kernel.open(2);
  }

  /** Mounted, INIT accepted with these fields and flags. */
  static ready(fields: object = {}, flags: InitFlag[] = [], options: ModelOptions = {}): Scene {
    const scene = Scene.mounted(options);
    scene.init(fields, flags);
    return scene;
  }

  /** Mounted, INIT not read yet. */
  static mounted(options: ModelOptions = {}, call: Partial<MountCall> = {}): Scene {
    const scene = new Scene(options);
    scene.conn = scene.mount(call).conn;
    return scene;
  }

  mount(call: Partial<MountCall> = {}): MountResult {
    const { handle } = this;
    const base = { fstype: 'fuse', source: 'test', target: '/mnt', flags: 0, handle };
    return this.kernel.mount({ ...base, options: DIRECTORY, ...call }, 1);
  }

  /** Reads INIT and accepts it. */
  init(fields: object = {}, flags: InitFlag[] = []): void {
    const request = this.take();
    const words = splitInitFlags(initMask(flags));
    const body = { major: 7, minor: 45, max_write: 65536, ...words, ...fields };
    const reply = encodeReply(request, body);
    this.kernel.write(this.handle, reply, reply.length);
  }

  /** What read(2) says: the errno's name, BLOCK, or the message that came. */
  read(handle = this.handle, size = 1 << 20, resumed = false): Request | string | number {
    const n = this.kernel.read(handle, size, this.#into, resumed);
    if (n < 0) return say(n);
    return new Request(this.#into.slice(0, n), this.kernel.negotiated(this.kernel.connOf(handle)));
  }

  /** Reads a message that must be there. */
  take(handle = this.handle, size = 1 << 20): Request {
    const request = this.read(handle, size);
    if (request instanceof Request) return request;
    throw new Error(`read: ${request}`);
  }

  /** `LOOKUP 4` for each message there is. */
  drain(handle = this.handle, size = 1 << 20): string[] {
    const names: string[] = [];
    for (;;) {
      const request = this.read(handle, size);
      if (!(request instanceof Request)) return names;
      names.push(`${request.name} ${request.unique}`);
    }
  }

  write(message: Uint8Array, length = message.length, handle = this.handle): number | string {
    return say(this.kernel.write(handle, message, length));
  }

  /** A bare header: an error, or the success of an empty reply. */
  reply(unique: bigint, error = 0, handle = this.handle): number | string {
    return this.write(bareReply(unique, error), 16, handle);
  }

  /** A notification with this body. */
  notify(code: number, body: Uint8Array = new Uint8Array(0)): number | string {
    return this.write(written(0n, code, body));
  }

  /** Puts a request in, by default a LOOKUP; background and force as its row says. */
  ask(
    name: OpName = 'LOOKUP',
    args: Args = { name: 'a' },
    spec: Partial<RequestSpec> = {},
  ): Ticket {
    const negotiated = this.kernel.negotiated(this.conn);
    const message = new Request(
      encodeRequest(OP[name], { unique: 0n }, args, negotiated),
      negotiated,
    );
    return this.kernel.enqueue(this.conn, {
      opcode: message.opcode,
      nodeid: 1n,
      uid: 1000,
      gid: 1001,
      pid: 77,
      body: message.body,
      extlen: 0,
      background: message.background,
      force: message.force,
      ...spec,
    });
  }

  /** How a request ended: `EIO`, `EINTR`, 0 ...; undefined while it has not. */
  ended(ticket: Ticket): string | number | undefined {
    return this.ends.find((end) => end.ticket === ticket)?.error;
  }
}
