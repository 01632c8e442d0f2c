/** Work done while the kernel's tracepoints watch, and the capture held against them afterwards. */
import type { WorkloadResult } from '../workloads/workload.ts';

export interface Completeness {
  /** Requests and ends that both the tracepoints and the capture have. */
  requests: number;
  ends: number;
  /** Only in the capture, by opcode: what the tracepoints do not report. */
  onlyCapture: Record<string, number>;
  /** Only in the tracepoints, by opcode: requests that ended before any read. */
  onlyWitness: Record<string, number>;
  unexplained: string[];
}

export async function witnessed(
  _dev: number,
  _capture: string,
  work: () => Promise<WorkloadResult[]>,
): Promise<{ results: WorkloadResult[]; conclude: () => Completeness | undefined }> {
  return { results: await work(), conclude: () => undefined };
}
