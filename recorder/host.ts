/** Facts about this machine and this rig that go into every capture's first frame. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { BeginEvent } from '../rig/events.ts';
import { namesOf, VERSIONS, versionOf } from '../rig/kernel/versions.ts';
import { rigVersion } from '../rig/version.ts';

/** module parameter enable_uring; undefined where the kernel has none. */
export function enableUring(): boolean | undefined {
  try {
    return readFileSync('/sys/module/fuse/parameters/enable_uring', 'utf8').startsWith('Y');
  } catch {
    return undefined;
  }
}

/** Transport ABI of the running kernel: its ring, and the switches of its release (rig/kernel). */
function abi(): string[] {
  const uring = enableUring();
  const ring = uring === undefined ? 'no-uring' : uring ? 'uring' : 'uring-off';
  return [ring, ...namesOf(VERSIONS[versionOf(release())])];
}

export function hostFacts(): Pick<BeginEvent, 'started' | 'rig' | 'kernel' | 'abi'> {
  return { started: new Date().toISOString(), rig: rigVersion(), kernel: release(), abi: abi() };
}
