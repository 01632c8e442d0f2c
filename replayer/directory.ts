/**
 * Directory streams. Two runs may deliver a directory in another order and in other portions, with
 * other cookies; what must agree is the set of names of each open. A captured READDIR is asked again
 * from the place this run knows under the same name, and asked on until the capture's end is reached.
 */
import { ProtocolError } from '../rig/protocol/cursor.ts';
import { type Dirent, decodeDirents } from '../rig/protocol/dirents.ts';

const text = (name: Uint8Array): string => Buffer.from(name).toString('latin1');

/** READDIRs of this run's own, for one open. */
const OWN_MAX = 100_000;

/** What nobody can read ends the directory, as it ends getdents(2) with EIO (fuse_dir_emit). */
function names(body: Uint8Array, plus: boolean): readonly Dirent[] {
  try {
    return decodeDirents(body, plus);
  } catch (error) {
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}

/** One side of a stream. */
class Side {
  readonly names = new Map<string, bigint>();
  readonly cookies = new Map<string, bigint>();
  readonly byCookie = new Map<bigint, string>();
  last = 0n;
  ended = false;

  add(dirents: readonly Dirent[]): void {
    this.ended = dirents.length === 0;
    for (const { name, off, entry } of dirents) {
      const key = text(name);
      this.names.set(key, entry?.nodeid ?? this.names.get(key) ?? 0n);
      this.cookies.set(key, off);
      this.byCookie.set(off, key);
      this.last = off;
    }
  }

  rewind(): void {
    this.names.clear();
    this.cookies.clear();
    this.byCookie.clear();
    this.last = 0n;
    this.ended = false;
  }
}

export interface NameBinding {
  captured: bigint;
  run: bigint;
}

export class DirectoryStream {
  /** Two opens go by one handle: whose portion is whose cannot be told, nothing is compared. */
  shared = false;
  #broken = false;
  readonly #captured = new Side();
  readonly #run = new Side();

  /** A portion is missing that this run was asked for and not given. */
  break(): void {
    this.#broken = true;
  }

  /** This run's offset for a captured READDIR at `cookie`. */
  offset(cookie: bigint): bigint {
    if (cookie === 0n) {
      this.#captured.rewind();
      this.#run.rewind();
      this.#reached.clear();
      return 0n;
    }
    const name = this.#captured.byCookie.get(cookie);
    return (name === undefined ? undefined : this.#run.cookies.get(name)) ?? this.#run.last;
  }

  /**
   * Takes the two replies' bodies; returns the lookups that READDIRPLUS made on both sides, by name.
   * `.` and `..` are not looked up (fuse_direntplus_link).
   */
  add(
    captured: Uint8Array,
    run: Uint8Array,
    plusCaptured: boolean,
    plusRun: boolean,
  ): NameBinding[] {
    const there = decodeDirents(captured, plusCaptured);
    const here = decodeDirents(run, plusRun);
    this.#captured.add(there);
    this.#run.add(here);
    const bindings: NameBinding[] = [];
    for (const { name, entry } of there) {
      const key = text(name);
      if (entry === undefined || entry.nodeid === 0n || key === '.' || key === '..') continue;
      bindings.push({ captured: entry.nodeid, run: this.#run.names.get(key) ?? 0n });
    }
    return bindings;
  }

  /** A reply this run gave to a READDIR the capture does not have. */
  addOwn(run: Uint8Array, plus: boolean): void {
    this.#run.add(names(run, plus));
    // A server that comes back to a place, or never to an end, would be asked for ever.
    if (this.#reached.has(this.#run.last) || this.#reached.size > OWN_MAX) this.#run.ended = true;
    this.#reached.add(this.#run.last);
  }
  readonly #reached = new Set<bigint>();

  /** Where to go on asking: the capture saw the end of the directory and this run has not. */
  get unfinished(): bigint | undefined {
    return this.#captured.ended && !this.#run.ended ? this.#run.last : undefined;
  }

  /** Names only one side has; undefined while either has not seen the end. */
  difference(): { missing: string[]; extra: string[] } | undefined {
    if (this.shared || this.#broken || !this.#captured.ended || !this.#run.ended) return undefined;
    const missing = [...this.#captured.names.keys()].filter((n) => !this.#run.names.has(n));
    const extra = [...this.#run.names.keys()].filter((n) => !this.#captured.names.has(n));
    return { missing: missing.sort(), extra: extra.sort() };
  }
}
