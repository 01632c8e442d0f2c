/** What the bench's runs are given and give back: work, programs, results. */
import { builtProgram, type Ran } from '../../corpus/run.ts';
import type { Ended } from '../../corpus/servers/live.ts';
import { missingDevice } from '../../corpus/servers/recipe.ts';
import type { Finding } from '../checks/finding.ts';

/** Path of a program `npm run build` makes; its bare name where it is not built. */
export const built = (name: string): string => builtProgram(name) ?? name;

/** Why nothing can be recorded here, or undefined. */
export function cannotRecord(): string | undefined {
  if (builtProgram('fuse-rig-odd-server') === undefined) return 'not built: npm run build';
  if (process.getuid?.() !== 0) return 'needs root to mount';
  return missingDevice();
}

/** What clients do in most runs: every kind of message a server without a backing store answers. */
export const SOME_WORK = [
  'mkdir d',
  'open f d/file RDWR|CREAT',
  'fill f 7 20000 4K',
  'fsync f',
  'drain f 4K',
  'close f',
  'rename d/file d/other 0',
  'list d',
  'stat d/other',
  'stat d/none',
  'unlink d/other',
  'rmdir d',
  'statfs .',
];

export interface RunResult extends Ran {
  /** What should not be there any more: processes, mounts, temporary files. */
  leftovers: string[];
}

export interface Recorded extends Ended {
  /** Lines of the client. */
  lines: string[];
}

export interface Replayed {
  code: number | null;
  findings: Finding[];
  /** Digest of the log, of both runs. */
  log: string;
  second: string;
  /** Where the two logs differ first; undefined where they do not. */
  difference: unknown;
  /** What the server printed in the first run. */
  output: string;
  stderr: string;
  seconds: number;
  requests: number;
  news: number;
  /** What the server asked for and the rig cannot do. */
  unsupported: string[];
  /** What came of its ring, in the first run. */
  ring: { queues: number; depth: number; requests: number };
  leftovers: string[];
}

/** What a good replay says, for toMatchObject: no finding, both runs equal, nothing left. */
export const CLEAN = { difference: undefined, code: 0, leftovers: [] };

/** Verdicts that are not `pass`, with their details: what to compare with []. */
export const complaints = (replayed: Replayed): string[] =>
  replayed.findings
    .filter((f) => f.verdict !== 'pass')
    .map((f) => [f.check, f.text, ...f.details].join(' | '));
