/** Opening, creating and closing files (native/clients/ops_file.cc). */
import type { Outcome } from '../../../rig/kernel/feed.ts';
import { decode } from '../../../rig/protocol/codec.ts';
import { OPEN_OUT } from '../../../rig/protocol/structs-file.ts';
import {
  capabilities,
  ENOSYS,
  ended,
  entryOf,
  failed,
  flagsOf,
  lookup,
  nameOf,
  O_LARGEFILE,
  type OpenFile,
  type Operations,
  type Part,
  ROOT,
  S_IFREG,
  UMASK,
  type View,
  type Work,
} from './ask.ts';

const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DIRECT: 0o40000,
  DIRECTORY: 0o200000,
  TMPFILE: 0o20200000,
};
const FAIL = 'EBADF';
const FATTR_SIZE = 8;
const FATTR_LOCKOWNER = 0x200;

/** What OPEN is told of the flags; what other requests of the file are. */
const told = (view: View, bits: number): number =>
  (bits | O_LARGEFILE) & ~(O.CREAT | O.EXCL | (view.has('ATOMIC_O_TRUNC') ? 0 : O.TRUNC));
const kept = (bits: number): number => (bits | O_LARGEFILE) & ~(O.CREAT | O.EXCL | O.TRUNC);

function opened(kh: bigint, outcome: Outcome, nodeid: bigint, bits: number, at = 0): OpenFile {
  const untold = outcome.error === ENOSYS;
  const fh = untold ? 0n : decode(OPEN_OUT, outcome.body, at).fh;
  const directory = (bits & O.DIRECTORY) !== 0;
  return { nodeid, fh, flags: kept(bits), directory, kh, untold, flocked: false };
}

function* openNode(view: View, nodeid: bigint, bits: number): Part<OpenFile | string> {
  const kh = view.nextKh();
  const op = (bits & O.DIRECTORY) !== 0 ? 'OPENDIR' : 'OPEN';
  const gone: Outcome = { error: ENOSYS, body: new Uint8Array(0), replied: true };
  const outcome = view.latched(op) ? gone : yield { op, nodeid, args: { flags: told(view, bits) } };
  if (outcome.error !== 0 && outcome.error !== ENOSYS) return failed(outcome);
  if ((bits & O.TRUNC) !== 0) {
    yield* capabilities(view, nodeid);
    if (!view.has('ATOMIC_O_TRUNC')) {
      const args = { valid: FATTR_SIZE | FATTR_LOCKOWNER, size: 0n };
      const cut = yield { op: 'SETATTR', nodeid, args };
      if (cut.error !== 0) return failed(cut);
    }
  }
  return opened(kh, outcome, nodeid, bits);
}

const context = (view: View) =>
  view.has('SECURITY_CTX') ? { ext: Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0) } : {};

function* create(view: View, name: string, bits: number, mode: number): Part<OpenFile | string> {
  const perm = S_IFREG | (view.has('DONT_MASK') ? mode : mode & ~UMASK);
  const tmp = (bits & O.TMPFILE) === O.TMPFILE;
  const op = tmp ? 'TMPFILE' : 'CREATE';
  if (!view.latched(op)) {
    const kh = view.nextKh();
    const args = { flags: bits | O_LARGEFILE, mode: perm, umask: UMASK, name, ...context(view) };
    const outcome = yield { op, nodeid: ROOT, args };
    if (outcome.error === 0)
      return opened(
        kh,
        outcome,
        entryOf(outcome).nodeid,
        bits & ~O.DIRECTORY,
        outcome.body.length - 16,
      );
    if (outcome.error !== ENOSYS) return failed(outcome);
  }
  if (tmp) return 'EOPNOTSUPP';
  const args = { mode: perm, rdev: 0, umask: UMASK, name, ...context(view) };
  const made = yield { op: 'MKNOD', nodeid: ROOT, args };
  if (made.error !== 0) return failed(made);
  return yield* openNode(view, entryOf(made).nodeid, bits);
}

function* open(
  view: View,
  path: string | undefined,
  bits: number,
  mode: number,
): Part<OpenFile | string> {
  if ((bits & O.TMPFILE) === O.TMPFILE) return yield* create(view, '/', bits, mode);
  if (/^m2?$/.test(path ?? '')) return yield* openNode(view, ROOT, bits);
  const outcome = yield* lookup(view, path);
  const missing = outcome.error === -2 || (outcome.error === 0 && entryOf(outcome).nodeid === 0n);
  if (missing && (bits & O.CREAT) !== 0) return yield* create(view, nameOf(path), bits, mode);
  if (outcome.error !== 0) return failed(outcome);
  return missing ? 'ENOENT' : yield* openNode(view, entryOf(outcome).nodeid, bits);
}

export const OPENING: Operations = {
  *open(view, [slot = '', path, flags = '', mode = '0644']): Work {
    const file = yield* open(view, path, flagsOf(O, flags), Number.parseInt(mode, 8));
    if (typeof file === 'string') return file;
    view.slots.set(slot, file);
    return '0';
  },
  *close(view, [slot = '']): Work {
    const file = view.slots.get(slot);
    if (file === undefined) return FAIL;
    view.slots.delete(slot);
    const { nodeid, fh, flags, directory, untold } = file;
    let result = '0';
    if (!directory && !view.latched('FLUSH')) {
      const flushed = yield { op: 'FLUSH', nodeid, args: { fh } };
      if (flushed.error !== ENOSYS) result = ended(flushed);
    }
    const op = directory ? 'RELEASEDIR' : 'RELEASE';
    const args = { fh, flags, release_flags: file.flocked ? 2 : 0 };
    if (!untold) yield { op, nodeid, args, leave: true };
    return result;
  },
};
