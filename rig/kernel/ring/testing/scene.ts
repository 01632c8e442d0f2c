/**
 * A model Kernel with a ring and the server's side of it at hand: for the tests of rings.
 * Nothing in the engine imports this file.
 */
import { encode } from '../../../protocol/codec.ts';
import { IN_HEADER_SIZE } from '../../../protocol/constants.ts';
import { concat, type Key, keyOf, writeU32, writeU64 } from '../../../protocol/cursor.ts';
import { ERRNO } from '../../../protocol/errno.ts';
import { bareReply } from '../../../protocol/header.ts';
import type { InitFlag } from '../../../protocol/init-flags.ts';
import type { Request } from '../../../protocol/message.ts';
import {
  ENT_OFFSET,
  joinRequest,
  OP_IN_OFFSET,
  URING_CMD,
  uringEntOf,
} from '../../../protocol/ring.ts';
import { URING_ENT_IN_OUT } from '../../../protocol/structs-session.ts';
import type { ModelOptions } from '../../model-feed.ts';
import { Scene, say as sayCall } from '../../scene.ts';
import { VERSIONS, type VersionName } from '../../versions.ts';
import { type Buffers, type Entry, HELD, type Memory, type RingSqe } from '../ring_kernel.ts';

/** A result as a person says it. */
export const say = (result: number): number | string =>
  result === HELD ? 'HELD' : sayCall(result);

const BASE = 0x100000;
export const HEADERS = 288;
/** Payload of `RingScene.ready()`: the smallest there is. */
export const PAYLOAD = 8192;
const STALE = 0xaa;

/** An address space of one piece, out of which ranges can be unmapped. */
export class ServerMemory implements Memory {
  readonly bytes = new Uint8Array(1 << 20).fill(STALE);
  readonly holes: { from: number; to: number }[] = [];
  /** Called before each access. */
  onAccess: (address: number) => void = () => {};
  #next = 0;

  allocate(size: number): number {
    const at = this.#next;
    this.#next += Math.ceil(size / 16) * 16;
    return BASE + at;
  }

  unmap(from: number, size: number): void {
    this.holes.push({ from, to: from + size });
  }

  at(address: number, length: number): Uint8Array {
    const start = address - BASE;
    return this.bytes.subarray(start, start + length);
  }

  #reachable(address: number, length: number): boolean {
    this.onAccess(address);
    const end = address + length;
    if (address < BASE || end > BASE + this.bytes.length) return false;
    return !this.holes.some(({ from, to }) => address < to && end > from);
  }

  read(address: number, length: number): Uint8Array | number {
    if (!this.#reachable(address, length)) return -ERRNO.EFAULT;
    return this.at(address, length).slice();
  }

  write(address: number, bytes: Uint8Array): number {
    if (!this.#reachable(address, bytes.length)) return -ERRNO.EFAULT;
    this.at(address, bytes.length).set(bytes);
    return 0;
  }

  room(size: number): Uint8Array {
    return new Uint8Array(size);
  }

  put(entry: Buffers, request: Uint8Array, opIn: number, ent: Uint8Array): number {
    const at = IN_HEADER_SIZE + opIn;
    const pieces: [number, Uint8Array][] = [
      [entry.headers + OP_IN_OFFSET, request.subarray(IN_HEADER_SIZE, at)],
      [entry.payload, request.subarray(at)],
      [entry.headers + ENT_OFFSET, ent],
      [entry.headers, request.subarray(0, IN_HEADER_SIZE)],
    ];
    for (const [address, bytes] of pieces) {
      const error = bytes.length > 0 ? this.write(address, bytes) : 0;
      if (error !== 0) return error;
    }
    return 0;
  }
}

/** One pair of buffers and the iovecs that name it. */
export interface Slot {
  readonly iovecs: number;
  readonly headers: number;
  readonly payload: number;
}

export interface RingSetup {
  readonly cpus?: number;
  readonly version?: VersionName;
  readonly flags?: InitFlag[];
  readonly fields?: object;
  readonly enabled?: boolean;
}

export class RingScene {
  readonly scene: Scene;
  readonly memory = new ServerMemory();
  /** Oldest first: `0/1 ENOTCONN` is the CQE of queue 0's entry 1. */
  readonly cqes: string[] = [];
  /** `0/1 server 4`: entry, new owner, unique. */
  readonly owners: string[] = [];
  readonly bugs: string[] = [];
  readonly userData: Key[] = [];
  #lastUserData = 0;

  constructor(scene: Scene) {
    this.scene = scene;
    const { rings } = scene.kernel;
    const name = ({ qid, index }: Entry) => `${qid}/${index}`;
    rings.onComplete = (entry, res) => {
      this.cqes.push(`${name(entry)} ${say(res)}`);
      this.userData.push(entry.command.userData);
    };
    rings.onOwner = (entry, owner, unique) => this.owners.push(`${name(entry)} ${owner} ${unique}`);
    rings.onBug = (entry, what) => this.bugs.push(`${name(entry)} ${what}`);
  }

  static options({ cpus = 1, version = '6.18', enabled = true }: RingSetup): ModelOptions {
    return { ring: { enabled, cpus }, switches: VERSIONS[version] };
  }

  /** Mounted, INIT not answered. */
  static mounted(setup: RingSetup = {}): RingScene {
    return new RingScene(Scene.mounted(RingScene.options(setup)));
  }

  /** INIT answered with the ring and the smallest payload there is; nothing registered. */
  static agreed(setup: RingSetup = {}): RingScene {
    const made = RingScene.mounted(setup);
    made.init(setup);
    return made;
  }

  /** Ready, with this many entries in each queue. */
  static ready(entries = 1, setup: RingSetup = {}): RingScene {
    const made = RingScene.agreed(setup);
    for (let qid = 0; qid < (setup.cpus ?? 1); qid++) {
      for (let i = 0; i < entries; i++) made.register(qid);
    }
    made.owners.length = 0;
    return made;
  }

  get kernel() {
    return this.scene.kernel;
  }
  get rings() {
    return this.scene.kernel.rings;
  }
  get entries(): readonly Entry[] {
    return this.rings.entries(this.scene.conn);
  }

  init({ fields = {}, flags = ['OVER_IO_URING'] }: RingSetup = {}): void {
    const small = { max_write: 4096, max_pages: 1 };
    this.scene.init({ ...small, ...fields }, ['MAX_PAGES', ...flags]);
  }

  slot(headers = HEADERS, payload = PAYLOAD): Slot {
    const made = {
      iovecs: this.memory.allocate(32),
      headers: this.memory.allocate(HEADERS),
      payload: this.memory.allocate(PAYLOAD),
    };
    const iovecs = this.memory.at(made.iovecs, 32);
    writeU64(iovecs, 0, BigInt(made.headers));
    writeU64(iovecs, 8, BigInt(headers));
    writeU64(iovecs, 16, BigInt(made.payload));
    writeU64(iovecs, 24, BigInt(payload));
    return made;
  }

  command(sqe: Partial<RingSqe>, ring = 1): number | string {
    const userData = ++this.#lastUserData;
    const base = { cmdOp: URING_CMD.REGISTER, handle: this.scene.handle, qid: 0, commitId: 0 };
    const rest = { flags: 0n, addr: 0n, len: 0, userData, sqe128: true, quiet: false };
    return say(this.rings.command(ring, { ...base, ...rest, ...sqe }, this.memory));
  }

  register(qid = 0, slot = this.slot(), sqe: Partial<RingSqe> = {}, ring = 1): number | string {
    return this.command({ qid, addr: BigInt(slot.iovecs), len: 2, ...sqe }, ring);
  }

  commit(unique: bigint, qid = 0, ring = 1): number | string {
    const commitId = keyOf(unique);
    return this.command({ cmdOp: URING_CMD.COMMIT_AND_FETCH, commitId, qid }, ring);
  }

  entry(index = 0, qid = 0): Entry {
    const found = this.entries.find((one) => one.qid === qid && one.index === index);
    if (found === undefined) throw new Error(`no entry ${qid}/${index}`);
    return found;
  }

  /** The request that lies in an entry. */
  delivered(index = 0, qid = 0): Request {
    const { headers, payload } = this.entry(index, qid);
    const negotiated = this.kernel.negotiated(this.scene.conn);
    const head = this.memory.at(headers, HEADERS).slice();
    return joinRequest(head, this.memory.at(payload, PAYLOAD).slice(), negotiated);
  }

  /** `LOOKUP 4`: what lies in an entry of the server's, by its commit_id too. */
  inside(index = 0, qid = 0): string {
    const entry = this.entry(index, qid);
    if (entry.state !== 'USERSPACE') return entry.state;
    const { name, unique } = this.delivered(index, qid);
    const ent = uringEntOf(this.memory.at(entry.headers, HEADERS));
    return ent.commit_id === unique ? `${name} ${unique}` : `commit_id ${ent.commit_id}`;
  }

  /** Puts a reply into an entry without committing it. */
  prepare(entry: Entry, head: Uint8Array, body = new Uint8Array(0), size = body.length): void {
    const headers = this.memory.at(entry.headers, HEADERS);
    headers.set(head);
    headers.set(encode(URING_ENT_IN_OUT, { payload_sz: size, commit_id: 99n, flags: 7n }), 256);
    this.memory.at(entry.payload, PAYLOAD).set(body);
  }

  /** Replies to what lies in an entry, and fetches. */
  reply(error = -2, index = 0, qid = 0, body = new Uint8Array(0)): number | string {
    const entry = this.entry(index, qid);
    const { unique } = this.delivered(index, qid);
    const head = concat([bareReply(unique, error)]);
    writeU32(head, 0, 12345);
    this.prepare(entry, head, body);
    return this.commit(unique, qid);
  }
}
