/** What a replay takes from where the capture was made: the working directory, and the owners of files. */
import { existsSync } from 'node:fs';
import type { RestoredFixture } from '../recorder/fixture/restore.ts';
import type { BeginEvent } from '../rig/events.ts';
import type { Root } from '../rig/seam/root.ts';
import { type OwnerMap, SAME_OWNERS } from './normal.ts';
import type { ReplayOptions } from './options.ts';

/** Where the server runs: the recorded working directory, if it is there. */
export function workingDirectory(
  options: Pick<ReplayOptions, 'cwd' | 'command'>,
  begin: BeginEvent,
  scratch: string,
): string {
  if (options.cwd !== undefined) return options.cwd;
  // With a command of the caller's own, relative paths are the caller's.
  if (options.command.length > 0) return process.cwd();
  return existsSync(begin.server.cwd) ? begin.server.cwd : scratch;
}

/** Options for a root that also has the places of this run. */
export function withPlaces(root: Root | undefined, places: readonly string[]): { root?: Root } {
  return root === undefined ? {} : { root: { ...root, share: [...root.share, ...places] } };
}

/**
 * Owners of the capture as this run has them: a fixture's single owner becomes the current user, and
 * so does the recorded server's user where files can be nobody else's.
 */
export function ownersFor(begin: BeginEvent, restored: RestoredFixture | undefined): OwnerMap {
  const { server } = begin;
  const me = { uid: process.geteuid?.() ?? server.uid, gid: process.getegid?.() ?? server.gid };
  const mapped = (kind: 'uid' | 'gid') => {
    const [from, to] = restored?.ownerMap?.[kind] ?? [server[kind], me[kind]];
    const created = me.uid === 0 ? from : server[kind];
    return { same: from === to && created === to, of: [from, created], to };
  };
  const [uid, gid] = [mapped('uid'), mapped('gid')];
  if (uid.same && gid.same) return SAME_OWNERS;
  return {
    uid: (id) => (uid.of.includes(id) ? uid.to : id),
    gid: (id) => (gid.of.includes(id) ? gid.to : id),
  };
}
