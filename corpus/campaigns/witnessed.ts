/** A capture held against what the kernel's own tracepoints saw while it was made. */
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { opName } from '../../rig/protocol/opcodes.ts';
import { compareWitness } from '../witness/compare.ts';
import { startWitness, witnessMissing } from '../witness/witness.ts';

export interface Completeness {
  /** Requests and ends that both the tracepoints and the capture have. */
  requests: number;
  ends: number;
  /** Only in the capture, by opcode: what the tracepoints do not report. */
  onlyCapture: Record<string, number>;
  /** Only in the tracepoints, by opcode: requests that ended before any read. */
  onlyWitness: Record<string, number>;
  /** Delivered, then ended by the kernel without a reply it took, by errno. */
  endedWithoutReply: Record<string, number>;
  /** Without reply in both when the witness stopped. */
  open: number;
  unexplained: string[];
}

const named = (counts: ReadonlyMap<number, number>): Record<string, number> =>
  Object.fromEntries([...counts].map(([opcode, count]) => [opName(opcode), count]));

export interface Watching {
  /** Undefined: no witness is possible here. */
  conclude(dev: number, capture: string): Promise<Completeness | undefined>;
  /** Instead, where there is nothing to compare: stops watching. */
  abandon(): Promise<void>;
}

/** Begins to watch; one of the two must end it. */
export async function beginWitness(): Promise<Watching> {
  if (witnessMissing() !== undefined) {
    return { conclude: async () => undefined, abandon: async () => {} };
  }
  const witness = await startWitness();
  return {
    abandon: async () => void (await witness.stop()),
    async conclude(dev, capture) {
      const log = await witness.stop();
      const reader = CaptureReader.open(capture);
      try {
        const found = compareWitness(log, dev, reader.events());
        const lost = found.valid
          ? []
          : [`the witness lost ${found.lost} events: it proves nothing`];
        return {
          requests: found.requests,
          ends: found.ends,
          onlyCapture: named(found.onlyCapture),
          onlyWitness: named(found.onlyWitness),
          endedWithoutReply: Object.fromEntries(found.endedWithoutReply),
          open: found.open,
          unexplained: [...lost, ...found.unexplained],
        };
      } finally {
        reader.close();
      }
    },
  };
}
