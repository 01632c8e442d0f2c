/**
 * What is verified of a live session: all that needs no capture. Divergence has nothing to compare with
 * here, and poison lies only in what the model owns.
 */
import { native } from '../../native/load.ts';
import { Conformance } from '../checks/conformance.ts';
import { Content } from '../checks/content.ts';
import { Descriptors } from '../checks/descriptors.ts';
import type { Check } from '../checks/finding.ts';
import { Guarded } from '../checks/guarded.ts';
import { Mounts } from '../checks/mounts.ts';
import { Negotiation } from '../checks/negotiation.ts';
import { Ownership } from '../checks/ownership.ts';
import { Progress } from '../checks/progress.ts';
import { Termination } from '../checks/termination.ts';
import { possibleCpus } from '../seam/cpus.ts';
import type { LiveOptions } from './options.ts';

export const checksOf = ({ othersWrite }: Pick<LiveOptions, 'othersWrite'>): Check[] => {
  const content = othersWrite ? [] : [new Content(native.crc32c, 'live')];
  const all = [
    new Conformance(),
    new Negotiation(),
    ...content,
    new Ownership(possibleCpus()),
    new Mounts(),
    new Descriptors(),
    new Progress('live'),
    // Without a fault the server is to end well; of another end the fault is the reason.
    new Termination(0),
  ];
  return all.map((check) => new Guarded(check));
};
