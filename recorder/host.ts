/** Facts about this machine and this rig that go into every capture's first frame. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { BeginEvent } from '../rig/events.ts';
import { rigVersion } from '../rig/version.ts';

/** Transport ABI of the running kernel, by what it is known to do (not by its number alone). */
function abi(): string[] {
  const found: string[] = [];
  try {
    const uring = readFileSync('/sys/module/fuse/parameters/enable_uring', 'utf8').trim();
    found.push(uring === 'Y' ? 'uring' : 'uring-off');
  } catch {
    found.push('no-uring');
  }
  return found;
}

export function hostFacts(): Pick<BeginEvent, 'started' | 'rig' | 'kernel' | 'abi'> {
  return { started: new Date().toISOString(), rig: rigVersion(), kernel: release(), abi: abi() };
}
