/** How many bytes a call of the server would write to a file. */
import type { PortWiring } from './port_handle.ts';
import { NR } from './traps.ts';

/** struct iovec, and UIO_MAXIOV. */
const IOVEC = 16;
const IOVECS_MAX = 1024;
const FALLOC_FL_PUNCH_HOLE = 2;

const VECTORS: ReadonlySet<number> = new Set([NR.writev, NR.pwritev, NR.pwritev2]);

export function bytesWritten({ seam, trap, data }: PortWiring, nr: number, tid: number): number {
  if (nr === NR.write || nr === NR.pwrite64) return Number(trap.arg(2));
  if (nr === NR.copy_file_range) return Number(trap.arg(4));
  if (nr === NR.fallocate) {
    return (trap.int(1) & FALLOC_FL_PUNCH_HOLE) !== 0 ? 0 : Number(trap.arg(3));
  }
  if (!VECTORS.has(nr)) return 0;
  const count = Math.min(trap.int(2), IOVECS_MAX);
  const got = Math.max(0, seam.readMemory(tid, trap.arg(1), count * IOVEC));
  const view = new DataView(data.buffer, data.byteOffset, got);
  let sum = 0;
  for (let at = 0; at + IOVEC <= got; at += IOVEC) sum += Number(view.getBigUint64(at + 8, true));
  return sum;
}
