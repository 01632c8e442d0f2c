/** The capture of a replay (`--keep`): it begins as a recording does, made on the model. */
import { CaptureWriter } from '../recorder/capture/writer.ts';
import { hostFacts } from '../recorder/host.ts';
import type { BeginEvent } from '../rig/events.ts';
import { namesOf, type Switches } from '../rig/kernel/versions.ts';
import { type LaunchOptions, serverStart } from '../rig/seam/launch.ts';

/** What kernel the model was. */
export interface Played {
  /** The release: that of the capture which was played, or the set of switches that was asked for. */
  readonly kernel: string;
  readonly switches: Switches;
  /** Rings were offered, as with enable_uring. */
  readonly ring: boolean;
}

/** `path` is written anew; a replay of it has the switches of this one, whatever machine this is. */
export function keeper(
  path: string,
  start: LaunchOptions,
  cpus: number,
  { kernel, switches, ring }: Played,
): CaptureWriter {
  const abi = [ring ? 'uring' : 'uring-off', ...namesOf(switches)];
  const facts: Pick<BeginEvent, 'kernel' | 'abi'> = { kernel, abi };
  const { root } = start;
  const begin = { kind: 'begin' as const, t: 0, ...hostFacts(), ...facts };
  return CaptureWriter.create(
    path,
    { ...begin, server: serverStart(start), cpus, ...(root && { root: root.dir }) },
    { force: true },
  );
}
