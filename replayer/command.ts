/** The server's command line for this run: placeholders filled, recorded paths exchanged. */
import { isAbsolute, resolve } from 'node:path';
import { nativePath } from '../native/load.ts';
import type { BeginEvent } from '../rig/events.ts';

export interface Paths {
  mountpoint: string;
  fixture: string | undefined;
}

const boundary = /[\s,:=;'"]/;

/** Exchanges `from` for `to` where it stands as a whole path or a leading part of one. */
function exchange(word: string, from: string, to: string): string {
  let out = '';
  let at = 0;
  for (;;) {
    const found = word.indexOf(from, at);
    if (found < 0) return out + word.slice(at);
    const before = found === 0 || boundary.test(word[found - 1] as string);
    const next = word[found + from.length];
    const after = next === undefined || next === '/' || boundary.test(next);
    out += word.slice(at, found) + (before && after ? to : from);
    at = found + from.length;
  }
}

/** A word of the command as a path: the program's own name is looked up on PATH, others may be relative. */
const pathOf = (word: string, i: number, cwd: string): string | undefined =>
  i === 0 || isAbsolute(word) || word.startsWith('-') ? undefined : resolve(cwd, word);

/** The recorded command, with the recorded mountpoint and fixture exchanged for this run's. */
export function recordedCommand(
  begin: BeginEvent,
  mountpoint: string | undefined,
  paths: Paths,
): string[] {
  const { command, cwd } = begin.server;
  let words = [...command];
  const swap = (from: string | undefined, to: string | undefined) => {
    if (from === undefined || to === undefined) return;
    words = words.map((w, i) => (pathOf(w, i, cwd) === from ? to : exchange(w, from, to)));
  };
  // The longer path first: a mountpoint may lie below the fixture, or the fixture below it.
  const pairs: [string | undefined, string | undefined][] = [
    [mountpoint, paths.mountpoint],
    [begin.fixture, paths.fixture],
  ];
  pairs.sort((a, b) => (b[0]?.length ?? 0) - (a[0]?.length ?? 0));
  for (const [from, to] of pairs) swap(from, to);
  return words;
}

/** Fills `{mountpoint}` and `{fixture}`, and `{server}` with the server that comes with fuse-rig, as in cases. */
export function fillCommand(command: readonly string[], paths: Paths): string[] {
  return command.map((word) => {
    if (word.includes('{fixture}') && paths.fixture === undefined) {
      throw new CommandError(
        'the command names {fixture}, but the capture has none; record with --fixture PATH',
      );
    }
    return word
      .replaceAll('{server}', nativePath('fuse-rig-server'))
      .replaceAll('{mountpoint}', paths.mountpoint)
      .replaceAll('{fixture}', paths.fixture ?? '');
  });
}

/** Where the fixture is to be kept, if that was asked for. */
export function placeOfFixture(keep: string | undefined, { fixture }: { fixture: unknown }) {
  if (keep !== undefined && fixture === undefined) {
    const remedy = 'record with --fixture PATH';
    throw new CommandError(`--keep-fixture ${keep}: the capture has none; ${remedy}`);
  }
  return keep;
}

/** The command line cannot be made; the message says what to do. */
export class CommandError extends Error {
  override name = 'CommandError';
}
