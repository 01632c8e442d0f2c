/**
 * What REGISTER says about its buffers (fuse_uring_get_iovec_from_sqe() and
 * fuse_uring_create_ring_ent() in fs/fuse/dev_uring.c, import_iovec() in lib/iov_iter.c).
 */
import { readS64, readU64 } from '../../protocol/cursor.ts';
import { ERRNO } from '../../protocol/errno.ts';
import { URING_REQ_HEADER } from '../../protocol/structs-session.ts';
import { isFault } from './entry.ts';
import type { Buffers, Memory, RingSqe } from './ring_kernel.ts';

export const SEGMENTS = 2;
const IOVEC_SIZE = 16;
/** Most bytes of one system call, and so of all iovecs together: what goes beyond is cut off. */
export const MAX_RW_COUNT = 0x7ffff000n;
/** First address above a process's with 4-level page tables, less the guard page. */
const USER_END = (1n << 47n) - 4096n;

/** access_ok(): no part of it is the kernel's. */
export const accessible = (base: bigint, length: bigint): boolean => base + length <= USER_END;

export interface Iovec {
  readonly base: bigint;
  /** As a signed number. */
  readonly length: bigint;
}

/** The array a REGISTER names, or -EFAULT. */
export function iovecsOf(addr: bigint, memory: Memory): [Iovec, Iovec] | number {
  const size = SEGMENTS * IOVEC_SIZE;
  const bytes = accessible(addr, BigInt(size)) ? memory.read(Number(addr), size) : -ERRNO.EFAULT;
  if (isFault(bytes)) return bytes;
  const iovec = (at: number) => ({ base: readU64(bytes, at), length: readS64(bytes, at + 8) });
  return [iovec(0), iovec(IOVEC_SIZE)];
}

/** The buffers a REGISTER names, or a negative errno. `payloadSize` is what they must hold. */
export function buffersOf(sqe: RingSqe, memory: Memory, payloadSize: number): Buffers | number {
  if (sqe.len !== SEGMENTS) return -ERRNO.EINVAL;
  const segments = iovecsOf(sqe.addr, memory);
  if (typeof segments === 'number') return segments;
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
  return { headers: Number(first.base), payload: Number(second.base) };
}
