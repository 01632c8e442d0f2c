/** Calls that are not by a descriptor of the device's range, and which port answers them. */
import type { MountPort } from './mount_port.ts';
import type { PortWiring } from './port_handle.ts';
import type { ProcessPort } from './process_port.ts';
import type { RingPort } from './ring_port.ts';
import { registerWithRing, setupRing } from './ring_setup.ts';
import { NR } from './traps.ts';

export interface Ports {
  readonly process: ProcessPort;
  readonly mounts: MountPort;
  readonly rings: RingPort;
}

/** By the number of the call. */
export const callTable = (
  wiring: PortWiring,
  { process, mounts, rings }: Ports,
): Map<number, () => void> =>
  new Map([
    [NR.open, () => process.open()],
    [NR.openat, () => process.open()],
    [NR.openat2, () => process.open()],
    [NR.execve, () => process.exec()],
    [NR.execveat, () => process.exec()],
    [NR.prctl, () => process.prctl()],
    [NR.sched_getaffinity, () => process.affinity()],
    [NR.sched_setaffinity, () => process.affinity()],
    [NR.io_uring_setup, () => setupRing(wiring, rings.emitter)],
    [NR.io_uring_enter, () => rings.enter()],
    [NR.io_uring_register, () => registerWithRing(wiring, rings.emitter)],
    [NR.mount, () => mounts.mount()],
    [NR.umount2, () => mounts.umount()],
    [NR.fsopen, () => mounts.fsopen()],
    [NR.fsconfig, () => mounts.fsconfig()],
    [NR.fsmount, () => mounts.fsmount()],
    [NR.move_mount, () => mounts.moveMount()],
  ]);
