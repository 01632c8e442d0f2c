/** FUSE_DEV_IOC_BACKING_OPEN and _CLOSE: descriptors of the server that the kernel reads by itself. */
import { readlinkSync, type Stats, statfsSync, statSync } from 'node:fs';
import type { BackingFile } from '../kernel/backing.ts';
import { injectCall } from './device_faults.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';

/** Where a descriptor of the server points. */
function backingPath(tid: number, fd: number): string {
  try {
    return readlinkSync(`/proc/${tid}/fd/${fd}`);
  } catch {
    return '';
  }
}

/** Types of file systems that are stacked upon another one: f_type of overlay and fuse. */
const STACKED: ReadonlySet<number> = new Set([0x794c7630, 0x65735546]);

/** What a descriptor of the server stands for, as the kernel looks at it. */
export function backingFile(tid: number, fd: number): BackingFile {
  const path = `/proc/${tid}/fd/${fd}`;
  let stat: Stats;
  try {
    stat = statSync(path);
  } catch {
    return { kind: 'closed' };
  }
  if (stat.isDirectory()) return { kind: 'directory' };
  if (!stat.isFile()) return { kind: 'other' };
  return { kind: 'regular', stackDepth: STACKED.has(statfsSync(path).type) ? 1 : 0 };
}

/** Answers the call; `value` is the descriptor to open, or the id to close; `view` its fuse_backing_map. */
export function backing(
  wiring: PortWiring,
  handle: PortHandle,
  op: 'open' | 'close',
  value: number,
  view: DataView,
): void {
  const { seam, trap, kernel, emit } = wiring;
  const { slot, tid } = trap;
  // Asked first, for the descriptor to open lies in the data buffer.
  const [flags, padding] =
    op === 'open' ? [view.getUint32(4, true), view.getBigUint64(8, true)] : [0, 0n];
  const injected = wiring.injection && injectCall(wiring, 'ioctl', handle, tid);
  const quotas = wiring.injection?.quotas;
  const denial = op === 'open' ? quotas?.backing(1) : undefined;
  if (denial !== undefined) wiring.injection?.met(denial, tid);
  const full = denial?.result ?? 0;
  const result =
    injected ||
    full ||
    (op === 'open'
      ? kernel.backingOpen(handle.id, tid, value, flags, padding)
      : kernel.backingClose(handle.id, value));
  if (full === 0 && (op === 'open' ? result < 0 : result === 0)) quotas?.backing(-1);
  seam.respond(slot, result);
  emit({
    kind: 'backing',
    t: wiring.now(),
    handle: handle.id,
    conn: kernel.connOf(handle.id),
    tid,
    op,
    id: op === 'open' ? Math.max(result, 0) : value,
    path: op === 'open' ? backingPath(tid, value) : '',
    result,
  });
}
