/**
 * System calls of the server that are not the transport's, and that a plan is about: files it opens,
 * memory it maps, threads it creates, what it writes to its backing store. They are trapped only then.
 */
import { statSync } from 'node:fs';
import type { Injection } from '../injection.ts';
import type { DevicePort } from './device_port.ts';
import type { PortWiring } from './port_handle.ts';
import { NR } from './traps.ts';

const F_DUPFD = 0;
const F_DUPFD_CLOEXEC = 1030;
/** Calls that write to the descriptor of their first argument, or of the third. */
const WRITES: ReadonlySet<number> = new Set([
  ...[NR.write, NR.pwrite64, NR.writev, NR.pwritev, NR.pwritev2, NR.fallocate],
]);

/** Whether a descriptor of the server is a regular file's. */
export function isFile(tid: number, fd: number): boolean {
  try {
    return statSync(`/proc/${tid}/fd/${fd}`).isFile();
  } catch {
    return false;
  }
}

export class ServerCalls {
  readonly #w: PortWiring;
  readonly #injection: Injection;
  readonly #device: DevicePort;

  constructor(wiring: PortWiring, injection: Injection, device: DevicePort) {
    this.#w = wiring;
    this.#injection = injection;
    this.#device = device;
    for (const nr of injection.calls) wiring.seam.arm(nr);
  }

  /** The call was answered, or goes on; false: it is the transport's as well, and not done with. */
  take(): boolean {
    const { seam, trap } = this.#w;
    const { slot, nr, tid } = trap;
    if (!this.#injection.calls.has(nr)) return false;
    const error = this.#meant() ? this.#injection.systemCall(nr, tid) : 0;
    if (error === 0) return !seam.checked(slot);
    seam.respond(slot, error);
    return true;
  }

  /** What a loader does before is not the server's, and what goes to the device is the transport's. */
  #meant(): boolean {
    const { trap } = this.#w;
    const { nr, tid } = trap;
    if (!this.#device.opened) return false;
    if (nr === NR.fcntl) return [F_DUPFD, F_DUPFD_CLOEXEC].includes(trap.int(1));
    if (nr === NR.copy_file_range) return isFile(tid, trap.int(2));
    return WRITES.has(nr) ? trap.index < 0 && isFile(tid, trap.int(0)) : true;
  }
}
