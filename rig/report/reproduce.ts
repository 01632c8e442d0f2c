/** The one command that reproduces a run, ready to paste into a shell. */
import type { ReplayOptions } from '../../replayer/replay.ts';

/** What of a run is said on the command line. */
export type Reproducible = Pick<
  ReplayOptions,
  | 'end'
  | 'transport'
  | 'cpus'
  | 'kernel'
  | 'uniqueBase'
  | 'poison'
  | 'serial'
  | 'sessions'
  | 'faults'
  | 'root'
> & { seed: string; twice?: boolean | undefined };

/** A word as a shell takes it back. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export const rootWords = (root: ReplayOptions['root']): string[] =>
  root === undefined
    ? []
    : ['--root', root.dir, ...root.share.flatMap((path) => ['--share', path])];

export function reproduce(capture: string, command: readonly string[], run: Reproducible): string {
  const words = ['fuse-rig', 'replay', capture, '--seed', run.seed];
  if (run.end !== 'unmount') words.push('--end', run.end);
  if ((run.transport ?? 'any') !== 'any') words.push('--transport', run.transport as string);
  if (run.cpus !== undefined) words.push('--cpus', String(run.cpus));
  if (run.kernel !== undefined) words.push('--kernel', run.kernel);
  if (run.uniqueBase) words.push('--unique-base', String(run.uniqueBase));
  if ((run.poison ?? 'used') !== 'used') words.push('--poison', run.poison as string);
  if (run.serial) words.push('--serial');
  if ((run.sessions ?? 1) > 1) words.push('--sessions', String(run.sessions));
  for (const rule of run.faults ?? []) words.push('--fault', rule);
  words.push(...rootWords(run.root));
  if (run.twice) words.push('--twice');
  if (command.length > 0) words.push('--', ...command);
  return words.map(quoted).join(' ');
}
