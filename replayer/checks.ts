/** What is verified while a replay goes on; how the server ended is judged when it has. */
import { native } from '../native/load.ts';
import { Conformance } from '../rig/checks/conformance.ts';
import { Content } from '../rig/checks/content.ts';
import { Descriptors } from '../rig/checks/descriptors.ts';
import { Divergence } from '../rig/checks/divergence.ts';
import type { Check } from '../rig/checks/finding.ts';
import { Guarded } from '../rig/checks/guarded.ts';
import { Mounts } from '../rig/checks/mounts.ts';
import { Negotiation } from '../rig/checks/negotiation.ts';
import { Ownership } from '../rig/checks/ownership.ts';
import { Progress } from '../rig/checks/progress.ts';
import { Sessions } from '../rig/checks/sessions.ts';

/** `cpus`: possible CPUs of this run, and so the queues of a ring. */
export const checksOf = (cpus: number): Check[] =>
  [
    new Divergence(),
    new Conformance(),
    new Negotiation(),
    new Content(native.crc32c),
    new Ownership(cpus),
    new Mounts(),
    new Descriptors(),
    new Progress(),
    new Sessions(),
  ].map((check) => new Guarded(check));
