/**
 * FUSE_NOTIFY_RESEND: what servers took and did not answer is delivered again (fuse_resend() in
 * fs/fuse/dev.c).
 */
import { RESEND_BIT } from '../protocol/constants.ts';
import type { Connection } from './connection.ts';
import { cancelInterrupt } from './interrupt.ts';

/**
 * Moves every delivered request of every handle back to the head of the pending queue, under a new
 * unique. They come back in the order of the handles and of their tables' buckets, and an INTERRUPT
 * of theirs that was not read yet is queued anew when they are.
 */
export function resend(conn: Connection): void {
  if (!conn.connected) return;
  const again = conn.devices.flatMap((device) => device.takeProcessing());
  for (const req of again) {
    cancelInterrupt(conn, req);
    req.place = 'pending';
    req.unique = BigInt(req.unique) | RESEND_BIT;
  }
  conn.input.pending.splice(again);
  conn.wake();
}
