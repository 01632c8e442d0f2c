/** Operations on attributes, extended ones too (native/clients/ops_attribute.cc, ops_space.cc). */
import { decode } from '../../../rig/protocol/codec.ts';
import type { OpName } from '../../../rig/protocol/opcodes.ts';
import type { Args } from '../../../rig/protocol/parts.ts';
import { STATFS_OUT } from '../../../rig/protocol/structs-node.ts';
import {
  capabilities,
  ENOSYS,
  type EntryOut,
  ended,
  failed,
  found,
  number,
  type Operations,
  ROOT,
  S_IFMT,
  shown,
  type View,
  type Work,
} from './ask.ts';

const FATTR = { mode: 1, uid: 2, gid: 4, size: 8, atime: 16, mtime: 32, lockowner: 0x200 };
const STATX_BTIME = 0x800;
const GETXATTR_SIZE = 65536;

/** An operation whose ENOSYS is remembered, and then `without`. */
function* once(view: View, op: OpName, nodeid: bigint, args: Args, without: string): Work {
  if (view.latched(op)) return without;
  const outcome = yield { op, nodeid, args };
  return outcome.error === ENOSYS ? without : ended(outcome);
}

function* set(
  view: View,
  path: string | undefined,
  args: (entry: EntryOut) => Args,
  changed: 'mode' | 'owner' | 'size',
): Work {
  const entry = yield* found(view, path);
  if (typeof entry === 'string') return entry;
  const { nodeid } = entry;
  if (changed !== 'mode') yield* capabilities(view, nodeid);
  // The mode that goes with it must be the latest (ATTR_KILL_SUID).
  if (changed === 'owner') yield { op: 'GETATTR', nodeid };
  return ended(yield { op: 'SETATTR', nodeid, args: args(entry) });
}

function* onEntry(view: View, path: string | undefined, rest: (entry: EntryOut) => Work): Work {
  const entry = yield* found(view, path);
  return typeof entry === 'string' ? entry : yield* rest(entry);
}

export const ATTRIBUTES: Operations = {
  *stat(view, [path]): Work {
    const entry = yield* found(view, path);
    return typeof entry === 'string' ? entry : shown(entry);
  },
  *lstat(view, [path]): Work {
    const entry = yield* found(view, path);
    return typeof entry === 'string' ? entry : shown(entry);
  },
  *statx(view, [path, flags, mask]): Work {
    return yield* onEntry(view, path, function* ({ nodeid, attr }) {
      const force = (Number(flags) & 0x2000) !== 0;
      const btime = (Number(mask) & STATX_BTIME) !== 0 && !view.latched('STATX');
      if (btime) {
        // AT_* flags are not passed on.
        const args = { sx_flags: 0, sx_mask: Number(mask) };
        const got = yield { op: 'STATX', nodeid, args };
        if (got.error !== ENOSYS) return ended(got, `${statMode(attr.mode)} size ${attr.size}`);
      }
      if (force) {
        const got = yield { op: 'GETATTR', nodeid };
        if (got.error !== 0) return failed(got);
      }
      return `${statMode(attr.mode)} size ${attr.size}`;
    });
  },
  *statfs(): Work {
    const got = yield { op: 'STATFS', nodeid: ROOT };
    return ended(
      got,
      got.error === 0
        ? `names ${decode(STATFS_OUT, Buffer.concat([got.body, new Uint8Array(32)])).st.namelen}`
        : '',
    );
  },
  *access(view, [path, mask]): Work {
    return yield* onEntry(view, path, ({ nodeid }) =>
      once(view, 'ACCESS', nodeid, { mask: Number(mask) }, '0'),
    );
  },
  *chmod(view, [path, mode = '']): Work {
    const bits = Number.parseInt(mode, 8);
    const args = ({ attr }: EntryOut) => ({ valid: FATTR.mode, mode: (attr.mode & S_IFMT) | bits });
    return yield* set(view, path, args, 'mode');
  },
  *chown(view, [path, uid, gid]): Work {
    const args = { valid: FATTR.uid | FATTR.gid, uid: Number(uid), gid: Number(gid) };
    return yield* set(view, path, () => args, 'owner');
  },
  *truncate(view, [path, size]): Work {
    const args = { valid: FATTR.size | FATTR.lockowner, size: BigInt(number(size)) };
    return yield* set(view, path, () => args, 'size');
  },
  *setxattr(view, [path, name = '', value = '', flags = '0']): Work {
    const bytes = value.startsWith('*') ? Buffer.alloc(number(value.slice(1)), 'v') : value;
    const args = { name, value: bytes, flags: Number(flags) };
    return yield* onEntry(view, path, ({ nodeid }) =>
      once(view, 'SETXATTR', nodeid, args, 'EOPNOTSUPP'),
    );
  },
  *getxattr(view, [path, name = '', size = String(GETXATTR_SIZE)]): Work {
    return yield* onEntry(view, path, function* ({ nodeid }) {
      if (view.latched('GETXATTR')) return 'EOPNOTSUPP';
      const got = yield { op: 'GETXATTR', nodeid, args: { size: Number(size), name } };
      if (got.error === ENOSYS) return 'EOPNOTSUPP';
      if (size === '0' || got.body.length === 0)
        return ended(got, String(Buffer.concat([got.body, Buffer.alloc(4)]).readUInt32LE(0)));
      return ended(got, `${got.body.length} ${Buffer.from(got.body).toString()}`);
    });
  },
  *listxattr(view, [path]): Work {
    return yield* onEntry(view, path, function* ({ nodeid }) {
      if (view.latched('LISTXATTR')) return 'EOPNOTSUPP';
      const got = yield { op: 'LISTXATTR', nodeid, args: { size: GETXATTR_SIZE } };
      if (got.error === ENOSYS) return 'EOPNOTSUPP';
      const names = Buffer.from(got.body).toString().split('\0').slice(0, -1).sort();
      return ended(got, names.join(' ') || 'none');
    });
  },
  *removexattr(view, [path, name = '']): Work {
    return yield* onEntry(view, path, ({ nodeid }) =>
      once(view, 'REMOVEXATTR', nodeid, { name }, 'EOPNOTSUPP'),
    );
  },
};

/** stx_mode as native/clients shows it: two bytes in memory's order. */
const statMode = (mode: number): string => Buffer.from(Uint16Array.of(mode).buffer).toString('hex');
