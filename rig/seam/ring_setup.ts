/**
 * Which rings the seam can stand in front of (io_uring_setup(2), include/uapi/linux/io_uring.h). A
 * kernel thread that takes SQEs by itself, or a ring in memory the rig cannot map, would get past it:
 * they are refused as a kernel refuses what it does not know.
 */
import { ERRNO } from '../protocol/errno.ts';
import { injectSetup } from './device_faults.ts';
import type { PortWiring } from './port_handle.ts';
import type { RingEmitter } from './ring_emitter.ts';

const REFUSED: readonly (readonly [number, string])[] = [
  [1 << 1, 'IORING_SETUP_SQPOLL'],
  [1 << 14, 'IORING_SETUP_NO_MMAP'],
  [1 << 15, 'IORING_SETUP_REGISTERED_FD_ONLY'],
  // Later than 6.18: SQEs of two sizes in one ring, and a ring that starts at SQE 0 with every enter.
  [1 << 19, 'IORING_SETUP_SQE_MIXED'],
  [1 << 20, 'IORING_SETUP_SQ_REWIND'],
];

/** The flag for which a ring is refused, by name. */
function refusedSetup(flags: number): string | undefined {
  return REFUSED.find(([bit]) => (flags & bit) !== 0)?.[1];
}

/** Operations of io_uring_register(2) that are refused, and what is said of it. */
const REFUSED_REGISTER: ReadonlyMap<number, string> = new Map([
  // An old kernel does not have it either: the ring is then entered by its descriptor.
  [20, ''],
  [11, 'IORING_REGISTER_RESTRICTIONS: the rig puts other operations in the place of FUSE commands'],
  [33, 'IORING_REGISTER_RESIZE_RINGS: the ring would lie elsewhere'],
]);
const USE_REGISTERED_RING = 1 << 31;

/** Where `flags` lies in struct io_uring_params. */
const FLAGS = 8;

/** io_uring_setup(entries, params): the ring is the kernel's, and the addon learns it. */
export function setupRing(wiring: PortWiring, emitter: RingEmitter): void {
  const { seam, trap, data } = wiring;
  const { slot, tid } = trap;
  const injected = wiring.injection && injectSetup(wiring, tid);
  if (injected) {
    seam.respond(slot, injected);
    return;
  }
  const read = seam.readMemory(tid, trap.arg(1), FLAGS + 4);
  const view = new DataView(data.buffer);
  const refused = refusedSetup(read === FLAGS + 4 ? view.getUint32(FLAGS, true) : 0);
  if (refused === undefined) {
    emitter.made++;
    seam.ringMake(slot);
    return;
  }
  emitter.unsupported(tid, `io_uring_setup with ${refused}: refused with EINVAL`);
  seam.respond(slot, -ERRNO.EINVAL);
}

/** io_uring_register(fd, opcode, arg, nr): the addon learns where the ring's files are devices. */
export function registerWithRing({ seam, trap }: PortWiring, emitter: RingEmitter): void {
  const opcode = trap.int(1);
  const refused = REFUSED_REGISTER.get(opcode);
  if (refused !== undefined || (opcode & USE_REGISTERED_RING) !== 0) {
    if (refused) emitter.unsupported(trap.tid, refused);
    seam.respond(trap.slot, -ERRNO.EINVAL);
    return;
  }
  seam.ringFiles(trap.slot);
  seam.continue(trap.slot);
}
