/** FUSE over io_uring: replaying it needs io_uring, recording it the kernel's own offer as well. */
import { readFileSync } from 'node:fs';
import { native } from '../../native/load.ts';
import { ofCall, okIf, type Probed, type ProbeGroup } from './probe.ts';

const IORING_OP_MSG_RING = 40;
const IORING_FEAT_CQE_SKIP = 1 << 11;
const COSTS = 'replaying servers over FUSE over io_uring; over the device they replay';

function setting(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function enableUring(): Probed {
  const value = setting('/sys/module/fuse/parameters/enable_uring');
  return {
    name: 'fuse enable_uring',
    need: 'extra',
    state: okIf(value === 'Y'),
    detail: value === undefined ? 'no such parameter' : `is ${value}`,
    costs: 'recording FUSE over io_uring: servers use the device; replay needs nothing of it',
    remedy: 'Linux 6.14 or newer; echo 1 > /sys/module/fuse/parameters/enable_uring',
  };
}

export const ringGroup: ProbeGroup = {
  title: 'FUSE over io_uring',
  look() {
    const { setup, features, ops } = native.probeRing();
    const disabled = setting('/proc/sys/kernel/io_uring_disabled') ?? 'absent';
    const messages = ops[IORING_OP_MSG_RING] === true && (features & IORING_FEAT_CQE_SKIP) !== 0;
    return [
      {
        name: 'io_uring_setup',
        need: 'extra',
        state: okIf(setup === 0),
        detail: `${ofCall(setup, 'allowed').detail} (kernel.io_uring_disabled ${disabled})`,
        costs: COSTS,
        remedy:
          'sysctl kernel.io_uring_disabled=0; in a container: --security-opt seccomp=unconfined',
      },
      {
        name: 'MSG_RING, CQE_SKIP',
        need: 'extra',
        state: setup === 0 ? okIf(messages) : 'unknown',
        detail: messages ? 'supported' : 'not supported',
        costs: COSTS,
        remedy: 'Linux 5.18 or newer with CONFIG_IO_URING',
      },
      enableUring(),
    ];
  },
};
