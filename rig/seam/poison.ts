/**
 * Poison: while the kernel owns an entry's buffers they hold bytes that name the entry and its period
 * in the kernel's hands. Gone before the next delivery: the server wrote there. Met in a reply or in
 * the backing store: the server read there.
 *
 * It stands in for the stale bytes the kernel leaves, so a run that is to show those goes without.
 */
import { native } from '../../native/load.ts';
import type { EntryBuffer, ReplaySink } from '../events.ts';
import type { Entry } from '../kernel/ring/ring_kernel.ts';
import { OUT_HEADER_SIZE } from '../protocol/constants.ts';
import type { Key } from '../protocol/cursor.ts';
import { uniqueOf } from '../protocol/header.ts';
import { type Region, Regions } from '../protocol/regions.ts';
import { URING_REQ_HEADER } from '../protocol/structs-session.ts';

/** How much is poisoned: nothing; the headers and the extent last used plus a page; everything. */
export type PoisonExtent = 'off' | 'used' | 'full';

const PAGE = 4096;
/** Tags are 20 bits (native/addon/poison.h). */
const TAGS = 1 << 20;
const HEADERS = URING_REQ_HEADER.size;

interface Period {
  tag: number;
  tid: number;
  /** Bytes of the payload that are poisoned. */
  size: number;
  unique: Key;
  since: number;
}

interface Mark {
  entry: Entry;
  unique: Key;
}

const place = (at: number): { buffer: EntryBuffer; offset: number } =>
  at < HEADERS ? { buffer: 'headers', offset: at } : { buffer: 'payload', offset: at - HEADERS };

export class Poison {
  readonly extent: PoisonExtent;
  readonly #emit: ReplaySink;
  readonly #periods = new Map<Entry, Period>();
  /** Bytes of the payload that were in use since the poison was put there last. */
  readonly #used = new Map<Entry, number>();
  /** Whose a tag was, of all periods so far. */
  readonly #marks = new Map<number, Mark>();
  #lastTag = 0;
  /** By process: addresses mean nothing in another. */
  readonly #regions = new Map<number, Regions<Entry>>();
  readonly #ofEntry = new Map<Entry, { process: number; mine: Region<Entry>[] }>();
  /** Entries whose buffers overlap others': what is put into one may be in the server's hands by another. */
  readonly #shared = new Set<Entry>();

  constructor(extent: PoisonExtent, emit: ReplaySink) {
    this.extent = extent;
    this.#emit = emit;
  }

  /** `bytes` of the entry's payload are in use. */
  uses(entry: Entry, bytes: number): void {
    if (bytes > (this.#used.get(entry) ?? 0)) this.#used.set(entry, bytes);
  }

  /** A new entry, in the memory of a process. */
  registered(entry: Entry, process: number): void {
    if (this.extent === 'off' || this.#ofEntry.has(entry)) return;
    const region = (buffer: EntryBuffer, start: number, size: number): Region<Entry> => {
      return { start, end: start + size, entry, buffer };
    };
    const mine = [
      region('headers', entry.headers, HEADERS),
      region('payload', entry.payload, entry.payloadSize),
    ];
    this.#ofEntry.set(entry, { process, mine });
    const regions = this.#regions.get(process) ?? new Regions();
    this.#regions.set(process, regions);
    for (const one of mine) {
      const other = regions.add(one);
      if (other !== undefined) this.#shared.add(entry).add(other.entry);
    }
  }

  /** The entry is no more. */
  ended(entry: Entry): void {
    const { process = 0, mine = [] } = this.#ofEntry.get(entry) ?? {};
    for (const one of mine) this.#regions.get(process)?.remove(one);
    this.#ofEntry.delete(entry);
    this.#shared.delete(entry);
  }

  /** The kernel owns the entry, and leaves it so for now. */
  put(entry: Entry, tid: number, unique: Key, t: number): void {
    if (this.extent === 'off' || this.#shared.has(entry)) return;
    const wanted = this.extent === 'full' ? entry.payloadSize : (this.#used.get(entry) ?? 0) + PAGE;
    const size = Math.min(wanted, entry.payloadSize);
    this.#used.delete(entry);
    this.#lastTag = (this.#lastTag + 1) % TAGS;
    const tag = this.#lastTag;
    if (!native.putPoison(tid, entry.headers, entry.payload, size, tag)) return;
    this.#periods.set(entry, { tag, tid, size, unique, since: t });
    this.#marks.set(tag, { entry, unique });
  }

  /** The kernel is about to write there, or never will again. */
  verify(entry: Entry, t: number): void {
    const period = this.#periods.get(entry);
    if (period === undefined) return;
    this.#periods.delete(entry);
    const { tid, size, tag, since } = period;
    const changed = native.changedPoison(tid, entry.headers, entry.payload, size, tag);
    if (changed === null) return;
    const [first, last] = changed;
    const { conn, qid, index } = entry;
    const length = last - first + 1;
    const unique = BigInt(period.unique);
    const what = { t, conn, qid, entry: index, ...place(first), length, unique, since };
    this.#emit({ kind: 'spoiled', ...what });
  }

  /** Every entry the kernel still owns, at the end. */
  verifyAll(t: number): void {
    for (const entry of [...this.#periods.keys()]) this.verify(entry, t);
  }

  /** Looks for poison in a committed reply's body. */
  searchReply(entry: Entry, unique: bigint, body: Uint8Array, t: number): void {
    this.#search(body, (at, length, tag, offset) => {
      const found = this.#of(tag, offset);
      if (found === undefined) return;
      const untouched = found.mark.entry === entry && found.offset === at;
      this.#tell(t, unique, '', at, length, found, untouched);
    });
  }

  /** Looks for poison in a reply or a notification that was written to the device. */
  searchWritten(message: Uint8Array, t: number): void {
    if (this.#marks.size === 0 || message.length < OUT_HEADER_SIZE) return;
    this.#search(message.subarray(OUT_HEADER_SIZE), (at, length, tag, offset) => {
      const found = this.#of(tag, offset);
      if (found !== undefined) this.#tell(t, uniqueOf(message), '', at, length, found, false);
    });
  }

  /** Looks for poison in a piece of a file of the backing store, which begins at `base`. */
  searchFile(file: string, bytes: Uint8Array, base: number, t: number): void {
    this.#search(bytes, (at, length, tag, offset) => {
      const found = this.#of(tag, offset);
      if (found !== undefined) this.#tell(t, 0n, file, base + at, length, found, false);
    });
  }

  /** False while nothing was ever poisoned: no file needs to be searched. */
  get everPut(): boolean {
    return this.#marks.size > 0;
  }

  #search(
    bytes: Uint8Array,
    hit: (at: number, length: number, tag: number, offset: number) => void,
  ): void {
    if (this.#marks.size === 0 || bytes.length < 16) return;
    for (let from = 0; ; ) {
      const found = native.findPoison(bytes, from);
      if (found === null) return;
      hit(...found);
      from = found[0] + found[1];
    }
  }

  #of(tag: number, at: number): { mark: Mark; buffer: EntryBuffer; offset: number } | undefined {
    const mark = this.#marks.get(tag);
    return mark && { mark, ...place(at) };
  }

  #tell(
    t: number,
    unique: bigint,
    file: string,
    at: number,
    length: number,
    { mark, buffer, offset }: { mark: Mark; buffer: EntryBuffer; offset: number },
    untouched: boolean,
  ): void {
    const { conn, qid, index } = mark.entry;
    const whose = { qid, entry: index, buffer, offset, before: BigInt(mark.unique), untouched };
    this.#emit({ kind: 'poison-read', t, conn, unique, file, at, length, ...whose });
  }
}
