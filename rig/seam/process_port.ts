/**
 * The calls that are not the device's own but belong to how servers get at it: opens of paths the
 * rig answers for, the exec of fusermount, and the one prctl that would blind the rig.
 */
import { native } from '../../native/load.ts';
import { ERRNO } from '../protocol/errno.ts';
import type { ShownCpus } from './cpus.ts';
import type { DevicePort } from './device_port.ts';
import type { PortWiring } from './port_handle.ts';
import { NR } from './traps.ts';

const { ENOENT } = ERRNO;

export class ProcessPort {
  readonly #w: PortWiring;
  readonly #device: DevicePort;
  /** Directory of the stand-ins for fusermount, first on the server's PATH. */
  readonly #standIns: string;

  readonly #cpus: ShownCpus;

  constructor(wiring: PortWiring, device: DevicePort, standIns: string, cpus: ShownCpus) {
    this.#cpus = cpus;
    for (const path of cpus.paths) wiring.seam.allowPath(path);
    this.#w = wiring;
    this.#device = device;
    this.#standIns = standIns;
  }

  /** open, openat, openat2 of a path the native check let through. */
  open(): void {
    const { seam, trap } = this.#w;
    const { slot, tid, nr } = trap;
    const path = seam.readString(tid, trap.arg(nr === NR.open ? 0 : 1))?.toString() ?? '';
    const content = this.#cpus.contentOf(path);
    if (content !== undefined) {
      this.#file(slot, content);
      return;
    }
    if (path !== '/dev/fuse') {
      this.#underMountpoint(slot);
      return;
    }
    let flags = trap.int(nr === NR.open ? 1 : 2);
    if (nr === NR.openat2) {
      // struct open_how begins with the flags as u64.
      const read = seam.readMemory(tid, trap.arg(2), 8);
      flags = read === 8 ? new DataView(seam.data).getInt32(0, true) : 0;
    }
    this.#device.open(flags);
  }

  /** A file of /sys as the server is to see it. */
  #file(slot: number, content: string): void {
    const fd = native.memoryFile(Buffer.from(content));
    if (fd < 0) {
      this.#w.seam.respond(slot, fd);
      return;
    }
    this.#w.seam.installFd(slot, fd, -1, true);
    native.closeFd(fd);
  }

  affinity(): void {
    if (this.#w.trap.nr === NR.sched_getaffinity) this.#cpus.getAffinity(this.#w);
    else this.#cpus.setAffinity(this.#w);
  }

  /**
   * A server that opens a path below its own (faked) mountpoint: go-fuse's `.go-fuse-epoll-hack`,
   * which only wants a descriptor. What the real kernel would have asked the server for it is in the
   * capture and replayed from there.
   */
  #underMountpoint(slot: number): void {
    const fd = native.openFile('/dev/null', 0);
    this.#w.seam.installFd(slot, fd, -1, true);
    native.closeFd(fd);
  }

  /**
   * execve of a program named like fusermount. libfuse tries its built-in absolute path before the
   * PATH: with ENOENT it goes on to the stand-in.
   */
  exec(): void {
    const { seam, trap } = this.#w;
    const path = seam.readString(trap.tid, trap.arg(trap.nr === NR.execveat ? 1 : 0));
    if (path?.toString().startsWith(`${this.#standIns}/`)) seam.continue(trap.slot);
    else seam.respond(trap.slot, -ENOENT);
  }

  /** prctl(PR_SET_DUMPABLE, 0) would take the server's memory away from an unprivileged rig. */
  prctl(): void {
    this.#w.seam.respond(this.#w.trap.slot, 0);
  }
}
