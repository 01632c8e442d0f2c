/**
 * A file system on a real mount whose server is the test itself: INIT over the device, everything else
 * through RealRings, with buffers in a made-up address space. Its clients are other processes under
 * timeout(1); what hangs is ended by aborting the connection.
 */
import { mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { nativePath } from '../../native/load.ts';
import type { ConnId, HandleId } from '../../rig/kernel/kernel.ts';
import { type Entry, HELD, type Memory, type RingSqe } from '../../rig/kernel/ring/ring_kernel.ts';
import { HEADERS, ServerMemory, type Slot } from '../../rig/kernel/ring/testing/scene.ts';
import { DIRECTORY, say as sayCall } from '../../rig/kernel/scene.ts';
import { encodeReply } from '../../rig/protocol/build.ts';
import { encode } from '../../rig/protocol/codec.ts';
import { type Key, keyOf, writeKey } from '../../rig/protocol/cursor.ts';
import { bareReply } from '../../rig/protocol/header.ts';
import { type InitFlag, initMask, splitInitFlags } from '../../rig/protocol/init-flags.ts';
import { Request } from '../../rig/protocol/message.ts';
import { type Negotiated, negotiate, ringPayloadSize } from '../../rig/protocol/negotiated.ts';
import { joinRequest, URING_CMD, uringEntOf } from '../../rig/protocol/ring.ts';
import { URING_ENT_IN_OUT } from '../../rig/protocol/structs-session.ts';
import { RealKernel } from '../relay.ts';
import { CPUS, settled, Waiting } from './ring_host.ts';

const LIFE_S = '15';
/** Nothing a test waits for takes this long, milliseconds. */
const PATIENCE = 8000;

export const say = (result: number): number | string =>
  result === HELD ? 'HELD' : sayCall(result);

export interface Taken {
  readonly request: Request;
  readonly entry: Entry;
}

export interface SceneOptions {
  readonly flags?: InitFlag[];
  readonly fields?: object;
  /** False: INIT stays unanswered. */
  readonly answered?: boolean;
}

export class RealScene {
  readonly dir = mkdtempSync(join(tmpdir(), 'fuse-rig-ring-'));
  readonly kernel = new RealKernel();
  readonly memory = new ServerMemory();
  readonly handle: HandleId;
  readonly conn: ConnId;
  readonly dev: number;
  negotiated: Negotiated | undefined;
  /** Oldest first: `0/1 ENOTCONN` is the CQE of queue 0's entry 1, `bare 7 EAGAIN` one of userData 7. */
  readonly cqes: string[] = [];
  readonly owners: string[] = [];
  /** Requests delivered and not taken yet, oldest first. */
  readonly requests: Taken[] = [];
  readonly #waiting = new Waiting();
  #userData = 0;
  #over = false;
  readonly #into = new Uint8Array(1 << 21);

  constructor({ answered = true, ...init }: SceneOptions = {}) {
    this.kernel.connect({
      seam: undefined as never,
      watch: (fd, action) => this.#waiting.watches.add(fd, action),
      watchNext: (tag) => this.#waiting.watches.next(tag),
      unwatch: (tag) => this.#waiting.watches.remove(tag),
      onMounted: () => {},
      onUnmounted: () => {},
    });
    const { rings } = this.kernel;
    const name = ({ qid, index }: Entry) => `${qid}/${index}`;
    rings.onComplete = (entry, res) => {
      this.cqes.push(`${name(entry)} ${say(res)}`);
      if (res === 0) this.requests.push({ request: this.delivered(entry), entry });
    };
    rings.onRefused = (command, _sqe, res) =>
      this.cqes.push(`bare ${command.userData} ${say(res)}`);
    rings.onOwner = (entry, owner, unique) => this.owners.push(`${name(entry)} ${owner} ${unique}`);
    this.handle = this.kernel.open();
    const call = {
      fstype: 'fuse',
      source: 'test',
      target: this.dir,
      flags: 0,
      handle: this.handle,
    };
    const mounted = this.kernel.mount({ ...call, options: DIRECTORY }, process.pid);
    if (mounted.result !== 0) throw new Error(`mount: ${say(mounted.result)}`);
    this.conn = mounted.conn;
    this.dev = mounted.dev;
    if (answered) this.init(init);
  }

  get rings() {
    return this.kernel.rings;
  }

  init({ fields = {}, flags = ['OVER_IO_URING'] }: SceneOptions = {}): void {
    const request = this.read();
    if (!(request instanceof Request)) throw new Error(`INIT: ${request}`);
    const words = splitInitFlags(initMask(['MAX_PAGES', 'INIT_EXT', ...flags]));
    const body = { major: 7, minor: 45, max_write: 4096, max_pages: 1, ...words, ...fields };
    const reply = encodeReply(request, body);
    this.negotiated = negotiate(request.bytes, reply, {});
    if (this.kernel.write(this.handle, reply, reply.length) < 0) throw new Error('INIT refused');
  }

  /** What read(2) of the device says. */
  read(): Request | string | number {
    const n = this.kernel.read(this.handle, this.#into.length, this.#into);
    return n < 0 ? say(n) : new Request(this.#into.slice(0, n), this.negotiated);
  }

  // --- commands ---

  slot(headers = HEADERS, payload = ringPayloadSize(this.negotiated as Negotiated)): Slot {
    const made = {
      iovecs: this.memory.allocate(32),
      headers: this.memory.allocate(HEADERS),
      payload: this.memory.allocate(Math.min(payload, 1 << 16)),
    };
    this.name(made.iovecs, [made.headers, headers], [made.payload, payload]);
    return made;
  }

  name(at: number, ...iovecs: [base: Key, length: Key][]): void {
    const bytes = this.memory.at(at, 32);
    iovecs.forEach(([base, length], i) => {
      writeKey(bytes, 16 * i, base);
      writeKey(bytes, 16 * i + 8, length);
    });
  }

  command(sqe: Partial<RingSqe>, ring = 1, memory: Memory = this.memory): number | string {
    const userData = ++this.#userData;
    const base = { cmdOp: URING_CMD.REGISTER, handle: this.handle, qid: 0, commitId: 0 };
    const rest = { flags: 0n, addr: 0n, len: 0, userData, sqe128: true, quiet: false };
    return say(this.rings.command(ring, { ...base, ...rest, ...sqe }, memory));
  }

  register(
    qid = 0,
    slot = this.slot(),
    sqe: Partial<RingSqe> = {},
    ring = 1,
    memory: Memory = this.memory,
  ): number | string {
    return this.command({ qid, addr: BigInt(slot.iovecs), len: 2, ...sqe }, ring, memory);
  }

  commit(unique: bigint, qid = 0, ring = 1): number | string {
    return this.command({ cmdOp: URING_CMD.COMMIT_AND_FETCH, commitId: keyOf(unique), qid }, ring);
  }

  /** Entries for every queue, and with them the ring. */
  ready(entries = 1, ring = 1): this {
    for (let qid = 0; qid < CPUS; qid++) {
      for (let i = 0; i < entries; i++) {
        const result = this.register(qid, this.slot(), {}, ring);
        if (result !== 'HELD') throw new Error(`REGISTER: ${result}`);
      }
    }
    this.rings.flush();
    return this;
  }

  /** The request that lies in an entry's buffers in the server. */
  delivered({ headers, payload }: Entry): Request {
    const head = this.memory.at(headers, HEADERS).slice();
    const { payload_sz, commit_id } = uringEntOf(head);
    const body = this.memory.at(payload, payload_sz).slice();
    const request = joinRequest(head, body, this.negotiated as Negotiated);
    if (commit_id !== request.unique) throw new Error(`commit_id ${commit_id}`);
    return request;
  }

  entry(qid = 0, index = 0): Entry {
    const found = this.rings.entries(this.conn).find((e) => e.qid === qid && e.index === index);
    if (found === undefined) throw new Error(`no entry ${qid}/${index}`);
    return found;
  }

  /** Puts a reply into an entry without committing it. */
  prepare(entry: Entry, reply: Uint8Array, size = reply.length - 16): void {
    const headers = this.memory.at(entry.headers, HEADERS);
    headers.set(reply.subarray(0, 16));
    headers.set(encode(URING_ENT_IN_OUT, { payload_sz: size, commit_id: 99n, flags: 7n }), 256);
    this.memory.at(entry.payload, reply.length - 16).set(reply.subarray(16));
  }

  /** Commits a reply, an error or a message, and ends the batch. */
  reply(taken: Taken, reply: Uint8Array | number): number | string {
    const { request, entry } = taken;
    this.prepare(entry, typeof reply === 'number' ? bareReply(request.unique, reply) : reply);
    const result = this.commit(request.unique, entry.qid, entry.command.ring);
    this.rings.flush();
    return result;
  }

  // --- what moves it ---

  async until(what: string, done: () => boolean): Promise<void> {
    for (let waited = 0; !done(); waited++) {
      if (waited > PATIENCE) throw new Error(`never: ${what}; ${this.cqes.join(', ')}`);
      this.#waiting.look();
      if (waited > 50) await sleep(1);
      else await new Promise(setImmediate);
    }
  }

  /** The next request the ring brings. */
  async take(): Promise<Taken> {
    await this.until('a request', () => this.requests.length > 0);
    return this.requests.shift() as Taken;
  }

  /** Answers what comes until `done`; the names of the requests. */
  async serve(answer: (request: Request) => Uint8Array, done: Promise<unknown>): Promise<string[]> {
    const over = settled(done);
    const names: string[] = [];
    for (;;) {
      await this.until('the end of the client', () => over() || this.requests.length > 0);
      const taken = this.requests.shift();
      if (taken === undefined) return names;
      names.push(taken.request.name);
      this.reply(taken, answer(taken.request));
    }
  }

  async while<T>(done: Promise<T>): Promise<T> {
    await this.until('its end', settled(done));
    return await done;
  }

  /** True a little later. */
  moment(looks = 100): () => boolean {
    return () => looks-- === 0;
  }

  /** Until so many requests wait in the kernel, the server's included. */
  waiting(count: number): Promise<void> {
    return this.until(`${count} waiting requests`, () => this.numberWaiting() === count);
  }

  numberWaiting(): number {
    return Number(readFileSync(this.control('waiting'), 'utf8'));
  }

  /** Lines of fuse-rig-client, run on one CPU in the mount; its answers. */
  async client(cpu: number, ...lines: string[]): Promise<string[]> {
    const argv = [
      '-s',
      'KILL',
      LIFE_S,
      'taskset',
      '-c',
      String(cpu),
      nativePath('fuse-rig-client'),
    ];
    const input = lines.map((line) => line.replaceAll('@', this.dir)).join('\n');
    const { stdout } = await execa('timeout', argv, { input, reject: false });
    return stdout.split('\n').map((line) => line.replace(/^.* = /, ''));
  }

  // --- the end ---

  control(name: 'abort' | 'waiting'): string {
    return `/sys/fs/fuse/connections/${this.dev}/${name}`;
  }

  abort(): void {
    writeFileSync(this.control('abort'), '1');
  }

  async umount(...options: string[]): Promise<string | number> {
    const argv = ['-s', 'KILL', LIFE_S, 'umount', ...options, this.dir];
    const { exitCode } = await execa('timeout', argv, { reject: false });
    return exitCode ?? 'killed';
  }

  /** Nothing of the scene is left, whatever state it was in. */
  async end(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    try {
      this.abort();
    } catch {
      // Unmounted already.
    }
    this.kernel.closeAll();
    this.#waiting.close();
    await this.umount('-l', '-q');
    rmdirSync(this.dir);
  }
}
