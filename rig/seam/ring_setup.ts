/**
 * Which rings the seam can stand in front of (io_uring_setup(2), include/uapi/linux/io_uring.h). A
 * kernel thread that takes SQEs by itself, or a ring in memory the rig cannot map, would get past it:
 * they are refused as a kernel refuses what it does not know.
 */
const REFUSED: readonly (readonly [number, string])[] = [
  [1 << 1, 'IORING_SETUP_SQPOLL'],
  [1 << 14, 'IORING_SETUP_NO_MMAP'],
  [1 << 15, 'IORING_SETUP_REGISTERED_FD_ONLY'],
  // Later than 6.18: SQEs of two sizes in one ring, and a ring that starts at SQE 0 with every enter.
  [1 << 19, 'IORING_SETUP_SQE_MIXED'],
  [1 << 20, 'IORING_SETUP_SQ_REWIND'],
];

/** The flag for which a ring is refused, by name. */
export function refusedSetup(flags: number): string | undefined {
  return REFUSED.find(([bit]) => (flags & bit) !== 0)?.[1];
}

/** Operations of io_uring_register(2) that the port must know. */
export const IORING_REGISTER = {
  ringFds: 20,
  resizeRings: 33,
  useRegisteredRing: 1 << 31,
} as const;
