/**
 * What a container's seccomp profile forbids of the calls that fuse-rig makes. A filter answers EPERM
 * or ENOSYS as the kernel itself may, so a refusal is laid at its door only where there is one.
 */
import { readFileSync } from 'node:fs';
import { native } from '../../native/load.ts';
import { ERRNO, errnoName } from '../protocol/errno.ts';
import { okIf, type Probed, type ProbeGroup } from './probe.ts';

/** Filters this process is under: the kernel's own count, or whether there is one at all. */
function filters(): number {
  let status = '';
  try {
    status = readFileSync('/proc/self/status', 'latin1');
  } catch {}
  const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1]);
  return field('Seccomp_filters') || Number(field('Seccomp') === 2);
}

/** Results of the calls, 0 or -errno, by their names. */
function calls(): Record<string, number> {
  const seam = native.probeSeam();
  return {
    seccomp: seam.killable,
    process_vm_readv: seam.readMemory,
    process_vm_writev: seam.writeMemory,
    pidfd_open: seam.pidfdOpen,
    pidfd_getfd: seam.pidfdGetfd,
    io_uring_setup: native.probeRing().setup,
  };
}

const isRefusal = (result: number): boolean => result === -ERRNO.EPERM || result === -ERRNO.ENOSYS;

function profile(): Probed {
  const count = filters();
  const row = {
    name: 'seccomp profile',
    need: 'extra',
    costs: 'what needs these calls, as said above',
    remedy:
      'a profile that allows them, in docker: --security-opt seccomp=FILE (or unconfined); docs/ci.md names all',
  } as const;
  if (count === 0) return { ...row, state: 'ok', detail: 'none' };
  const refused = Object.entries(calls()).filter(([, result]) => isRefusal(result));
  const named = refused.map(([name, result]) => `${name} (${errnoName(result)})`).join(', ');
  const filtered = count === 1 ? '1 filter' : `${count} filters`;
  const detail = refused.length === 0 ? 'forbids nothing that is needed' : `forbids ${named}`;
  return { ...row, state: okIf(refused.length === 0), detail: `${filtered}; ${detail}` };
}

export const profileGroup: ProbeGroup = { title: 'container', look: () => [profile()] };
