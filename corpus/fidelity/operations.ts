/** The operations of native/clients as the requests that the VFS makes of them, and what they come to. */
import { createHash } from 'node:crypto';
import type { Outcome } from '../../rig/kernel/feed.ts';
import { decode } from '../../rig/protocol/codec.ts';
import { ERRNO, errnoName } from '../../rig/protocol/errno.ts';
import type { OpName } from '../../rig/protocol/opcodes.ts';
import type { Args } from '../../rig/protocol/parts.ts';
import { ENTRY_OUT } from '../../rig/protocol/structs-common.ts';
import { OPEN_OUT } from '../../rig/protocol/structs-file.ts';
import { STATFS_OUT } from '../../rig/protocol/structs-node.ts';

/** One request that an operation makes. */
export interface Ask {
  readonly op: OpName;
  readonly nodeid: bigint;
  readonly args?: Args;
  /** Nobody waits for its answer. */
  readonly leave?: true;
  /** Not a request: the kernel forgets so many lookups of the node. */
  readonly forget?: bigint;
}

/** Open files of a client. */
export type Slots = Map<string, { nodeid: bigint; fh: bigint; unopened?: true }>;

type Work = Generator<Ask, string, Outcome>;
type Operation = (slots: Slots, words: readonly string[]) => Work;

const ROOT = 1n;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
/** Digits of Sha256::Short(). */
const DIGEST = 16;
const O_LARGEFILE = 0o100000;
/** Direct reads and writes carry the owner of locks, which is masked on both sides. */
const READ_LOCKOWNER = 2;

/** `m/f` is the file `f` of the mount. */
const nameOf = (path = ''): string => path.replace(/^m2?\//, '');
/** The errno's name, or its number as native/clients says it. */
const failed = ({ error }: Outcome): string => errnoName(error).replace(/^(?=\d)/, 'errno ');
const number = (text = '0'): number =>
  Number.parseInt(text, 10) * (text.endsWith('K') ? 1024 : text.endsWith('M') ? 1 << 20 : 1);

function* lookup(path: string | undefined): Generator<Ask, Outcome, Outcome> {
  return yield { op: 'LOOKUP', nodeid: ROOT, args: { name: nameOf(path) } };
}

const entryOf = (outcome: Outcome) => decode(ENTRY_OUT, outcome.body);

/** As native/clients shows a stat. */
function shown({ attr }: ReturnType<typeof entryOf>): string {
  const head = `${attr.mode.toString(8).padStart(6, '0')} ${attr.uid}:${attr.gid}`;
  if ((attr.mode & S_IFMT) === S_IFDIR) return head;
  return `${head} size ${attr.size} links ${attr.nlink}`;
}

/** As native/clients shows what it has read. */
function readAs(bytes: Uint8Array): string {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, DIGEST);
  return bytes.length === 0 ? '0' : `${bytes.length} ${digest}`;
}

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  *stat(_slots, [path]): Work {
    const found = yield* lookup(path);
    if (found.error !== 0) return failed(found);
    const entry = entryOf(found);
    return entry.nodeid === 0n ? 'ENOENT' : shown(entry);
  },
  *unlink(_slots, [path]): Work {
    const found = yield* lookup(path);
    if (found.error !== 0) return failed(found);
    const gone = yield { op: 'UNLINK', nodeid: ROOT, args: { name: nameOf(path) } };
    if (gone.error !== 0) return failed(gone);
    yield { op: 'FORGET', nodeid: entryOf(found).nodeid, forget: 1n };
    return '0';
  },
  *statfs(): Work {
    const got = yield { op: 'STATFS', nodeid: ROOT };
    return got.error === 0 ? `names ${decode(STATFS_OUT, got.body).st.namelen}` : failed(got);
  },
  *open(slots, [slot = '', path, flags]): Work {
    const found = yield* lookup(path);
    if (found.error !== 0) return failed(found);
    const { nodeid } = entryOf(found);
    const bits = { RDONLY: 0, WRONLY: 1, RDWR: 2 }[flags ?? ''] ?? 0;
    const opened = yield { op: 'OPEN', nodeid, args: { flags: bits | O_LARGEFILE } };
    // Without OPEN every open succeeds.
    if (opened.error === -ERRNO.ENOSYS) slots.set(slot, { nodeid, fh: 0n, unopened: true });
    else if (opened.error !== 0) return failed(opened);
    if (opened.error !== 0) return '0';
    slots.set(slot, { nodeid, fh: decode(OPEN_OUT, opened.body).fh });
    return '0';
  },
  *close(slots, [slot = '']): Work {
    const file = slots.get(slot);
    if (file === undefined) return 'EBADF';
    slots.delete(slot);
    const { nodeid, fh } = file;
    const flushed = yield { op: 'FLUSH', nodeid, args: { fh } };
    if (!file.unopened)
      yield { op: 'RELEASE', nodeid, args: { fh, flags: O_LARGEFILE }, leave: true };
    return flushed.error === 0 ? '0' : failed(flushed);
  },
  *read(slots, [slot = '', size, offset = '0']): Work {
    const file = slots.get(slot);
    if (file === undefined) return 'EBADF';
    const args = { fh: file.fh, offset: BigInt(offset), size: number(size) };
    const owned = { read_flags: READ_LOCKOWNER, flags: O_LARGEFILE };
    const got = yield { op: 'READ', nodeid: file.nodeid, args: { ...args, ...owned } };
    return got.error === 0 ? readAs(got.body) : failed(got);
  },
};
