/** Operations on names (native/clients/ops_tree.cc). */
import type { OpName } from '../../../rig/protocol/opcodes.ts';
import type { Args } from '../../../rig/protocol/parts.ts';
import {
  type Ask,
  ENOSYS,
  ended,
  entryOf,
  failed,
  flagsOf,
  found,
  lookup,
  nameOf,
  number,
  type Operations,
  type Part,
  ROOT,
  S_IFREG,
  UMASK,
  type View,
  type Work,
} from './ask.ts';

const ENOENT = -2;
const RENAME = { NOREPLACE: 1, EXCHANGE: 2, WHITEOUT: 4 };
const TYPES = { fifo: 0o010000, socket: 0o140000, file: S_IFREG, char: 0o020000 };
/** /dev/null */
const RDEV = 0x103;

/** The name must not be there; the errno's name otherwise. */
function* free(view: View, path: string | undefined): Part<string | undefined> {
  const outcome = yield* lookup(view, path);
  if (outcome.error === ENOENT) return undefined;
  if (outcome.error !== 0) return failed(outcome);
  return entryOf(outcome).nodeid === 0n ? undefined : 'EEXIST';
}

/** DONT_MASK leaves the umask to the server. */
const masked = (view: View, mode: number): number => (view.has('DONT_MASK') ? mode : mode & ~UMASK);

function* make(view: View, path: string, op: OpName, args: Args): Work {
  const taken = yield* free(view, path);
  if (taken !== undefined) return taken;
  const ext = view.has('SECURITY_CTX') ? { ext: Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0) } : {};
  return ended(yield { op, nodeid: ROOT, args: { ...args, ...ext } });
}

function* remove(view: View, path: string | undefined, op: 'UNLINK' | 'RMDIR'): Work {
  const entry = yield* found(view, path);
  if (typeof entry === 'string') return entry;
  const name = nameOf(path);
  return ended(yield { op, nodeid: ROOT, args: { name }, removes: name });
}

export const NAMES: Operations = {
  *mkdir(view, [path = '', mode = '0755']): Work {
    const args = { mode: masked(view, Number.parseInt(mode, 8)), umask: UMASK, name: nameOf(path) };
    return yield* make(view, path, 'MKDIR', args);
  },
  *mknod(view, [path = '', type = '', mode = '']): Work {
    const bits = flagsOf(TYPES, type) | masked(view, Number.parseInt(mode, 8));
    const rdev = type === 'char' ? RDEV : 0;
    return yield* make(view, path, 'MKNOD', { mode: bits, rdev, umask: UMASK, name: nameOf(path) });
  },
  *symlink(view, [target = '', path = '']): Work {
    return yield* make(view, path, 'SYMLINK', { name: nameOf(path), target });
  },
  *link(view, [from, path = '']): Work {
    const entry = yield* found(view, from);
    if (typeof entry === 'string') return entry;
    const taken = yield* free(view, path);
    if (taken !== undefined) return taken;
    const args = { oldnodeid: entry.nodeid, newname: nameOf(path) };
    return ended(yield { op: 'LINK', nodeid: ROOT, args });
  },
  *readlink(view, [path]): Work {
    const entry = yield* found(view, path);
    if (typeof entry === 'string') return entry;
    const got = yield { op: 'READLINK', nodeid: entry.nodeid };
    return ended(got, Buffer.from(got.body).toString());
  },
  *unlink(view, [path]): Work {
    return yield* remove(view, path, 'UNLINK');
  },
  *rmdir(view, [path]): Work {
    return yield* remove(view, path, 'RMDIR');
  },
  *rename(view, [from, to, flags]): Work {
    const source = yield* found(view, from);
    if (typeof source === 'string') return source;
    const there = yield* lookup(view, to);
    if (there.error !== 0 && there.error !== ENOENT) return failed(there);
    const exists = there.error === 0 && entryOf(there).nodeid !== 0n;
    const bits = flagsOf(RENAME, flags ?? '0');
    if (exists && (bits & RENAME.NOREPLACE) !== 0) return 'EEXIST';
    const names = { newdir: ROOT, oldname: nameOf(from), newname: nameOf(to) };
    const removes = exists && bits === 0 ? { removes: nameOf(to) } : {};
    if (bits === 0) return ended(yield { op: 'RENAME', nodeid: ROOT, args: names, ...removes });
    if (view.minor < 23 || view.latched('RENAME2')) return 'EINVAL';
    const ask: Ask = { op: 'RENAME2', nodeid: ROOT, args: { ...names, flags: bits } };
    const outcome = yield ask;
    return outcome.error === ENOSYS ? 'EINVAL' : ended(outcome);
  },
  *getdents(view, [slot = '', size]): Work {
    const file = view.slots.get(slot);
    if (file === undefined) return 'EBADF';
    const args = { fh: file.fh, offset: 0n, size: Math.max(number(size), 4096), flags: file.flags };
    const op = view.has('DO_READDIRPLUS') ? 'READDIRPLUS' : 'READDIR';
    const got = yield { op, nodeid: file.nodeid, args };
    return ended(got, got.body.length === 0 ? 'end' : 'some');
  },
};
