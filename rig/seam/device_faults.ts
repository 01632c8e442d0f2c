/** Where the device port asks for faults, and the effect each has in the kernel. */
import type { Verdict } from '../decider.ts';
import type { Injection, Place } from '../injection.ts';
import { BLOCK, type MountCall, type MountResult } from '../kernel/kernel.ts';
import { uniqueOf } from '../protocol/header.ts';
import type { HeldRead, PortHandle, PortWiring } from './port_handle.ts';

const POLLERR = 0x8;

const placeOf = (w: PortWiring, handle: PortHandle, tid: number, splice: boolean): Place => ({
  handle: handle.id,
  conn: w.kernel.connOf(handle.id),
  tid,
  splice,
  nonblock: handle.nonblock,
});

/**
 * A message of `n` bytes lies in the data buffer, about to be given to `read`. Returns what the read
 * ends with: `n`, or a negative errno. A teardown may come in between: the read then finds it.
 */
export function injectRead(
  w: PortWiring,
  injection: Injection,
  handle: PortHandle,
  read: HeldRead,
  n: number,
): number {
  const bytes = w.data.slice(0, n);
  const place = placeOf(w, handle, read.tid, read.splice);
  const verdict = injection.request('deliver', 'device', place, bytes);
  if (verdict === undefined) {
    if ((w.kernel.poll(handle.id) & POLLERR) !== 0) {
      return w.kernel.read(handle.id, read.size, w.data, true);
    }
    w.data.set(bytes);
    return n;
  }
  if (verdict.fate === 'lost') w.kernel.faulted(handle.id, bytes);
  else if (verdict.fate === 'kept' && w.kernel.unread?.(handle.id, bytes) !== true) {
    handle.returned = bytes;
  }
  return -verdict.errno;
}

/** A message was given to the server. */
export function injectDelivered(
  w: PortWiring,
  injection: Injection,
  handle: PortHandle,
  read: HeldRead,
  bytes: Uint8Array,
): void {
  injection.request('delivered', 'device', placeOf(w, handle, read.tid, read.splice), bytes);
}

/** A reply came. A negative errno: that is what its write ends with, and the Kernel never sees it. */
export function injectReply(
  w: PortWiring,
  injection: Injection,
  handle: PortHandle,
  tid: number,
  splice: boolean,
  bytes: Uint8Array,
): number {
  const place = placeOf(w, handle, tid, splice);
  const kept = bytes.slice();
  const verdict = injection.reply('reply', 'device', place, uniqueOf(bytes));
  // What is done meanwhile may use the buffer the reply lies in.
  bytes.set(kept);
  if (verdict === undefined) return 0;
  // A request is found by the unique, which lies at one place in both headers.
  if (verdict.fate === 'lost') w.kernel.faulted(handle.id, bytes);
  return -verdict.errno;
}

/** The Kernel has taken a reply. */
export function injectReplied(
  w: PortWiring,
  injection: Injection,
  handle: PortHandle,
  tid: number,
  bytes: Uint8Array,
): void {
  injection.reply('replied', 'device', placeOf(w, handle, tid, false), uniqueOf(bytes));
}

/** An ioctl is about to be made: a negative errno ends it, 0 lets it go on. */
export const injectCall = (
  w: PortWiring,
  name: 'clone' | 'ioctl' | 'mount' | 'mounted',
  handle: PortHandle | undefined,
  tid: number,
): number => {
  const nowhere = { handle: 0, conn: 0, tid };
  const place = handle === undefined ? nowhere : placeOf(w, handle, tid, false);
  return errnoOf(w.injection?.call(name, 'device', place));
};

/** The Kernel makes the mount, unless a fault refuses it. */
export function mountOrFault(
  w: PortWiring,
  call: MountCall,
  handle: PortHandle | undefined,
  tid: number,
): MountResult {
  const injected = w.injection === undefined ? 0 : injectCall(w, 'mount', handle, tid);
  return injected === 0 ? w.kernel.mount(call, tid) : { result: injected, conn: 0, dev: 0 };
}

/** A mount was made, or waits for its INIT. */
export function injectMounted(
  w: PortWiring,
  handle: PortHandle | undefined,
  tid: number,
  result: number,
): void {
  if (result === 0 || result === BLOCK) injectCall(w, 'mounted', handle, tid);
}

/** What io_uring_setup(2) is to end with, or 0. */
export const injectSetup = (w: PortWiring, tid: number): number =>
  errnoOf(w.injection?.call('setup', 'ring', { handle: 0, conn: 0, tid }));

const errnoOf = (verdict: Verdict | undefined): number =>
  verdict === undefined ? 0 : -verdict.errno;
