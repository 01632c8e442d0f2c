/** What the server in RealScene answers: a directory with one file, `f`. */
import { createHash } from 'node:crypto';
import { encodeReply } from '../../rig/protocol/build.ts';
import { ERRNO } from '../../rig/protocol/errno.ts';
import { bareReply } from '../../rig/protocol/header.ts';
import type { Request } from '../../rig/protocol/message.ts';
import type { Args } from '../../rig/protocol/parts.ts';

export const CONTENT = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) % 251);
const FOPEN_DIRECT_IO = 1;
const { ENOENT, ENOSYS, EOPNOTSUPP, EPERM, EXDEV } = ERRNO;

const file = { ino: 2n, mode: 0o100644, nlink: 1, size: BigInt(CONTENT.length) };
const directory = { ino: 1n, mode: 0o40755, nlink: 2 };

/** As fuse-rig-client shows contents. */
export const digest = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** The reply's fields, or a negative errno. `cached`: the file's pages may be kept. */
export function fieldsOf(request: Request, cached = false): Args | number {
  const args = request.args as Record<string, unknown>;
  switch (request.name) {
    case 'LOOKUP':
      if (Buffer.from(args.name as Uint8Array).toString() !== 'f') return -ENOENT;
      return { nodeid: 2n, attr: file };
    case 'GETATTR':
      return { attr: request.nodeid === 1n ? directory : file };
    case 'OPEN':
      return { fh: 5n, open_flags: cached ? 0 : FOPEN_DIRECT_IO };
    case 'READ': {
      const from = Number(args.offset);
      return { data: CONTENT.subarray(from, from + Number(args.size)) };
    }
    case 'WRITE':
      return { size: Number(args.size) };
    case 'ACCESS':
    case 'FLUSH':
    case 'RELEASE':
      return {};
    case 'SETXATTR':
      return -EOPNOTSUPP;
    case 'RENAME':
    case 'RENAME2':
      return -EXDEV;
    case 'SETATTR':
    case 'UNLINK':
      return -EPERM;
    default:
      return -ENOSYS;
  }
}

/** The same as a message. */
export function answer(request: Request, cached = false): Uint8Array {
  const fields = fieldsOf(request, cached);
  return typeof fields === 'number'
    ? bareReply(request.unique, fields)
    : encodeReply(request, fields);
}
