/** Operations on open files (native/clients/ops_file.cc, ops_space.cc). */

import { decode } from '../../../rig/protocol/codec.ts';
import { BMAP_OUT, IOCTL_OUT, LSEEK_OUT, POLL_OUT } from '../../../rig/protocol/structs-file.ts';
import {
  capabilities,
  ENOSYS,
  ended,
  failed,
  flagsOf,
  number,
  type OpenFile,
  type Operations,
  ROOT,
  readAs,
  type View,
  type Work,
} from './ask.ts';

/** Direct reads and writes carry the owner of locks, which is masked on both sides. */
const LOCKOWNER = 2;
const FALLOCATE = {
  KEEP_SIZE: 1,
  PUNCH_HOLE: 2,
  COLLAPSE_RANGE: 8,
  ZERO_RANGE: 16,
  INSERT_RANGE: 32,
};
const WHENCE = { SET: 0, CUR: 1, END: 2, DATA: 3, HOLE: 4 };
const IOC_WRITE = 1;
const IOC_READ = 2;
/** Of a mount of a block device, whatever it asks for. */
const BLOCK_SIZE = 4096;
const FAIL = 'EBADF';

/** An operation on an open file; ENOSYS may be remembered and then come to `without`. */
function* onFile(view: View, slot: string | undefined, rest: (file: OpenFile) => Work): Work {
  const file = view.slots.get(slot ?? '');
  return file === undefined ? FAIL : yield* rest(file);
}

export const FILES: Operations = {
  *read(view, [slot, size, offset = '0']): Work {
    return yield* onFile(view, slot, function* (file) {
      const parts: Uint8Array[] = [];
      for (let at = 0; at < number(size); ) {
        const part = Math.min(number(size) - at, view.readMax);
        const args = { fh: file.fh, offset: BigInt(offset) + BigInt(at), size: part };
        const owned = { read_flags: LOCKOWNER, flags: file.flags };
        const got = yield { op: 'READ', nodeid: file.nodeid, args: { ...args, ...owned } };
        if (got.error !== 0) return at > 0 ? readAs(Buffer.concat(parts)) : failed(got);
        parts.push(got.body);
        at += part;
        if (got.body.length < part) break;
      }
      return readAs(Buffer.concat(parts));
    });
  },
  *put(view, [slot, text = '']): Work {
    return yield* onFile(view, slot, function* (file) {
      const data = text.startsWith('*')
        ? Buffer.alloc(number(text.slice(1)), 'v')
        : Buffer.from(text);
      let done = 0;
      while (done < data.length) {
        const piece = data.subarray(done, done + view.writeMax);
        const args = { fh: file.fh, offset: BigInt(done), data: piece, flags: file.flags };
        const owned = { write_flags: LOCKOWNER };
        const got = yield { op: 'WRITE', nodeid: file.nodeid, args: { ...args, ...owned } };
        if (got.error !== 0) return done > 0 ? String(done) : failed(got);
        const size = Buffer.from(got.body).readUInt32LE(0);
        if (size > piece.length) return 'EIO';
        done += size;
        if (size < piece.length) break;
      }
      return String(done);
    });
  },
  *fsync(view, [slot]): Work {
    return yield* onFile(view, slot, (file) => sync(view, file, 0));
  },
  *fdatasync(view, [slot]): Work {
    return yield* onFile(view, slot, (file) => sync(view, file, 1));
  },
  *syncfs(view, [slot]): Work {
    return yield* onFile(view, slot, function* () {
      // Plain "fuse" asks nothing.
      if (!view.block || view.latched('SYNCFS')) return '0';
      const got = yield { op: 'SYNCFS', nodeid: ROOT };
      return got.error === ENOSYS ? '0' : ended(got);
    });
  },
  *bmap(view, [slot, block]): Work {
    return yield* onFile(view, slot, function* ({ nodeid }) {
      if (!view.block || view.latched('BMAP')) return '0';
      const args = { block: BigInt(block ?? 0), blocksize: BLOCK_SIZE };
      const got = yield { op: 'BMAP', nodeid, args };
      return got.error === 0 ? String(decode(BMAP_OUT, got.body).block) : '0';
    });
  },
  *ioctl(view, [slot, command = '0']): Work {
    return yield* onFile(view, slot, function* ({ nodeid, fh, directory }) {
      const cmd = Number(command);
      const [direction, bytes] = [cmd >>> 30, (cmd >>> 16) & 0x3fff];
      const in_size = direction & IOC_WRITE ? bytes : 0;
      const out_size = direction & IOC_READ ? bytes : 0;
      if (directory && view.minor < 18) return 'ENOTTY';
      const args = {
        fh,
        cmd,
        in_size,
        out_size,
        data: new Uint8Array(in_size),
        flags: directory ? IOCTL_DIR : 0,
      };
      const got = yield { op: 'IOCTL', nodeid, args };
      if (got.error === ENOSYS) return 'ENOTTY';
      if (got.error !== 0) return failed(got);
      const { result, flags } = decode(IOCTL_OUT, got.body);
      if ((flags & 4) !== 0 || got.body.length - 16 > out_size) return 'EIO';
      return result < 0 ? failed({ error: result }) : String(result);
    });
  },
  *poll(view, [slot, mask]): Work {
    return yield* onFile(view, slot, function* ({ nodeid, fh, kh }) {
      const asked = Number(mask);
      if (view.latched('POLL')) return String(asked & READY);
      // poll(2) adds what cannot be masked.
      const args = { fh, kh, events: asked | ERR_HUP };
      const got = yield { op: 'POLL', nodeid, args };
      if (got.error === ENOSYS) return String(asked & READY);
      if (got.error !== 0) return String(8);
      return String(decode(POLL_OUT, got.body).revents & (asked | ERR_HUP));
    });
  },
  *fallocate(view, [slot, mode = '0', offset, size]): Work {
    return yield* onFile(view, slot, function* ({ nodeid, fh }) {
      if (view.latched('FALLOCATE')) return 'EOPNOTSUPP';
      yield* capabilities(view, nodeid);
      const range = { offset: BigInt(number(offset)), length: BigInt(number(size)) };
      const got = yield {
        op: 'FALLOCATE',
        nodeid,
        args: { fh, ...range, mode: flagsOf(FALLOCATE, mode) },
      };
      return got.error === ENOSYS ? 'EOPNOTSUPP' : ended(got);
    });
  },
  *lseek(view, [slot, whence = '', offset = '0']): Work {
    return yield* onFile(view, slot, function* ({ nodeid, fh }) {
      const how = flagsOf(WHENCE, whence);
      if (how < WHENCE.DATA || view.latched('LSEEK')) return offset;
      const got = yield { op: 'LSEEK', nodeid, args: { fh, offset: BigInt(offset), whence: how } };
      if (got.error === ENOSYS) return offset;
      return got.error === 0 ? String(decode(LSEEK_OUT, got.body).offset) : failed(got);
    });
  },
  *copy_file_range(view, [from, off_in, to, off_out, len]): Work {
    const out = view.slots.get(to ?? '');
    return yield* onFile(view, from, function* ({ nodeid, fh: fh_in }) {
      if (out === undefined) return FAIL;
      const ends = { fh_in, off_in: BigInt(off_in ?? 0), nodeid_out: out.nodeid, fh_out: out.fh };
      const args = { ...ends, off_out: BigInt(off_out ?? 0), len: BigInt(number(len)) };
      yield* capabilities(view, out.nodeid);
      let got = view.latched('COPY_FILE_RANGE_64')
        ? undefined
        : yield { op: 'COPY_FILE_RANGE_64', nodeid, args };
      if (got === undefined || got.error === ENOSYS)
        got = yield { op: 'COPY_FILE_RANGE', nodeid, args };
      return got.error === 0 ? String(Buffer.from(got.body).readUInt32LE(0)) : failed(got);
    });
  },
};

const IOCTL_DIR = 16;
const ERR_HUP = 0x18;
/** DEFAULT_POLLMASK: IN, OUT, RDNORM, WRNORM. */
const READY = 0x145;

function* sync(view: View, file: OpenFile, fsync_flags: number): Work {
  const op = file.directory ? 'FSYNCDIR' : 'FSYNC';
  if (view.latched(op)) return '0';
  const got = yield { op, nodeid: file.nodeid, args: { fh: file.fh, fsync_flags } };
  return got.error === ENOSYS ? '0' : ended(got);
}
