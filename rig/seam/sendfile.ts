/** sendfile(2) from a file to the device (do_sendfile() and splice_direct_to_actor() in fs/). */
import { fstatSync, readFileSync, readSync } from 'node:fs';
import { native } from '../../native/load.ts';
import { ERRNO } from '../protocol/errno.ts';
import type { PortWiring } from './port_handle.ts';

/** Bytes that go to the device in one piece: the pipe in between has 16 pages. */
const PIECE = 16 * 4096;

interface Taken {
  readonly bytes: Uint8Array;
  /** The device has taken or refused them; the descriptor is let go. */
  end(result: number): void;
}

/**
 * What a trapped sendfile would give the device next, in `into`, or the call's result. A descriptor
 * that cannot seek is EINVAL.
 */
export function takeFromFile({ seam, trap }: PortWiring, into: Uint8Array): Taken | number {
  const { tid } = trap;
  const offset = trap.arg(2);
  const fd = seam.getFd(tid, trap.int(1));
  if (fd < 0) return -ERRNO.EBADF;
  const done = (result: number): number => {
    native.closeFd(fd);
    return result;
  };
  if (!fstatSync(fd).isFile()) return done(-ERRNO.EINVAL);
  let position = Number(
    /^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1],
  );
  if (offset !== 0n) {
    if (seam.readMemory(tid, offset, 8) !== 8) return done(-ERRNO.EFAULT);
    position = Number(new DataView(into.buffer, into.byteOffset).getBigInt64(0, true));
  }
  const size = Math.min(Number(trap.arg(3)), PIECE, into.length);
  const n = readSync(fd, into, 0, size, position);
  if (n === 0) return done(0);
  const end = (result: number): void => {
    if (result > 0 && offset === 0n) readSync(fd, Buffer.alloc(result), 0, result, null);
    else if (result > 0) {
      const after = Buffer.alloc(8);
      after.writeBigInt64LE(BigInt(position + result));
      seam.writeMemory(tid, offset, after);
    }
    native.closeFd(fd);
  };
  return { bytes: into.subarray(0, n), end };
}
