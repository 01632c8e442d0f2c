/**
 * What REGISTER says about its buffers (fuse_uring_get_iovec_from_sqe() and
 * fuse_uring_create_ring_ent() in fs/fuse/dev_uring.c, import_iovec() in lib/iov_iter.c).
 */
import { readS64, readU64 } from '../../protocol/cursor.ts';
import { ERRNO } from '../../protocol/errno.ts';
import { URING_REQ_HEADER } from '../../protocol/structs-session.ts';
import { isFault } from './entry.ts';
import type { Memory, RingSqe } from './ring_kernel.ts';

const SEGMENTS = 2;
const IOVEC_SIZE = 16;
/** Most bytes of one system call, and so of all iovecs together: what goes beyond is cut off. */
const MAX_RW_COUNT = 0x7ffff000n;
/** First address above a process's with 4-level page tables, less the guard page. */
const USER_END = (1n << 47n) - 4096n;

export interface Buffers {
  readonly headers: bigint;
  readonly payload: bigint;
}

const accessible = (base: bigint, length: bigint): boolean => base + length <= USER_END;

/** The buffers a REGISTER names, or a negative errno. `payloadSize` is what they must hold. */
export function buffersOf(sqe: RingSqe, memory: Memory, payloadSize: number): Buffers | number {
  if (sqe.len !== SEGMENTS) return -ERRNO.EINVAL;
  const size = SEGMENTS * IOVEC_SIZE;
  const bytes = accessible(sqe.addr, BigInt(size)) ? memory.read(sqe.addr, size) : -ERRNO.EFAULT;
  if (isFault(bytes)) return bytes;
  const segments = [0, IOVEC_SIZE].map((at) => ({
    base: readU64(bytes, at),
    length: readS64(bytes, at + 8),
  }));
  if (segments.some(({ length }) => length < 0n)) return -ERRNO.EINVAL;
  let room = MAX_RW_COUNT;
  const lengths: bigint[] = [];
  for (const { base, length } of segments) {
    if (!accessible(base, length)) return -ERRNO.EFAULT;
    const taken = length < room ? length : room;
    room -= taken;
    lengths.push(taken);
  }
  const [headers = 0n, payload = 0n] = lengths;
  if (headers < BigInt(URING_REQ_HEADER.size)) return -ERRNO.EINVAL;
  if (payload < BigInt(payloadSize)) return -ERRNO.EINVAL;
  const [first, second] = segments;
  return { headers: first?.base ?? 0n, payload: second?.base ?? 0n };
}
