/**
 * A campaign on disk: `campaign.json` says which it is, `runs.jsonl` has a line a run, as it ended. The
 * same command goes on where the lines end; one that was torn is run again.
 */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Shard } from '../../faults/explore/explore.ts';
import type { Run } from '../../faults/explore/outcome.ts';
import type { Seen } from '../../faults/explore/seen.ts';
import { makeDirectories } from '../make_directories.ts';
import { rigVersion } from '../version.ts';

const FORMAT = 1;

/** What makes two campaigns the same: then run 17 of one is run 17 of the other. */
export interface Identity {
  /** SHA-256 of the capture file. */
  capture: string;
  command: readonly string[];
  seed: number;
  synthetic: boolean;
  /** Ways of the replay. */
  ways: Readonly<Record<string, unknown>>;
}

interface Header extends Identity {
  format: number;
  rig: string;
  seen: Seen;
}

/** The folder cannot be used; the message says what to do. */
export class StoreError extends Error {
  override name = 'StoreError';
}

export const digestOf = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex');

export class Store {
  readonly dir: string;
  readonly runs: string;
  readonly #header: string;

  constructor(dir: string, shard: Shard | undefined) {
    this.dir = dir;
    this.#header = join(dir, 'campaign.json');
    const part = shard === undefined ? '' : `-${shard.index}-of-${shard.count}`;
    this.runs = join(dir, `runs${part}.jsonl`);
  }

  /** What an earlier run of the same campaign has seen; undefined: there was none. */
  seen(identity: Identity): Seen | undefined {
    if (!existsSync(this.#header)) return undefined;
    const header = this.#parsed();
    const { format, rig, seen, ...there } = header;
    if (format !== FORMAT || rig !== rigVersion()) {
      throw new StoreError(`${this.dir} was written by fuse-rig ${rig}; name another --out`);
    }
    const keys = Object.keys(identity) as (keyof Identity)[];
    const other = keys.find((key) => !isDeepStrictEqual(identity[key], there[key]));
    if (other === undefined) return seen;
    const what = other === 'ways' ? 'other options' : `another ${other}`;
    throw new StoreError(
      `${this.dir} holds a campaign with ${what}; name another --out, or remove it`,
    );
  }

  #parsed(): Header {
    try {
      return JSON.parse(readFileSync(this.#header, 'utf8')) as Header;
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? 'it is no JSON';
      throw new StoreError(`${this.#header} cannot be read: ${why}; name another --out`);
    }
  }

  begin(identity: Identity, seen: Seen): void {
    const header: Header = { format: FORMAT, rig: rigVersion(), ...identity, seen };
    this.#write(() => {
      makeDirectories(this.dir);
      const partial = `${this.#header}.${process.pid}`;
      writeFileSync(partial, `${JSON.stringify(header)}\n`);
      renameSync(partial, this.#header);
    });
  }

  /** Runs that were made, from earlier commands; what follows the last whole line is cut off. */
  earlier(): Run[] {
    if (!existsSync(this.runs)) return [];
    const bytes = readFileSync(this.runs);
    const end = bytes.lastIndexOf('\n') + 1;
    const lines = bytes.subarray(0, end).toString().split('\n').slice(0, -1);
    if (end < bytes.length) this.#write(() => truncateSync(this.runs, end));
    return lines.map((line, i) => {
      try {
        return JSON.parse(line) as Run;
      } catch {
        throw new StoreError(`${this.runs}:${i + 1} is no JSON; name another --out`);
      }
    });
  }

  add(run: Run): void {
    this.#write(() => appendFileSync(this.runs, `${JSON.stringify(run)}\n`));
  }

  #write(write: () => void): void {
    try {
      write();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new StoreError(`${this.dir} cannot be written: ${code}; name a writable --out`);
    }
  }
}
