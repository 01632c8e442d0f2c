/**
 * What the kernel's tracepoints fuse:fuse_request_send and fuse:fuse_request_end say
 * (fs/fuse/fuse_trace.h), read from a trace_pipe's text.
 */

/** A request was queued for a server. */
export interface WitnessSend {
  kind: 'send';
  /** st_dev of the mount, as MountEvent.dev. */
  dev: number;
  unique: bigint;
  opcode: number;
  /** fuse_in_header.len. */
  len: number;
}

/** A request ended: answered, aborted, or (NOTIFY_REPLY) read. */
export interface WitnessEnd {
  kind: 'end';
  dev: number;
  unique: bigint;
  /** fuse_out_header.len; 0 where no reply came. */
  len: number;
  /** 0 or a negative errno. */
  error: number;
}

export type WitnessEntry = WitnessSend | WitnessEnd;

/** A line that says the kernel's buffer ran over. */
export interface WitnessLoss {
  kind: 'lost';
  /** How many events; 0 where the kernel does not know. */
  count: number;
}

const SEND = /fuse_request_send: connection (\d+) req (\d+) opcode (\d+) \([^)]*\) len (\d+)/;
const END = /fuse_request_end: connection (\d+) req (\d+) len (\d+) error (-?\d+)/;
const LOST = /^CPU:\d+ \[LOST (?:(\d+) )?EVENTS\]/;
/** What a trace_pipe shows beside events: markers of ours, and its header. */
const OTHER = /tracing_mark_write:|^#|^\s*$/;

/** One line of a trace_pipe; undefined for a marker or a comment. Throws on anything else. */
export function parseWitnessLine(line: string): WitnessEntry | WitnessLoss | undefined {
  const send = SEND.exec(line);
  if (send !== null) {
    const [, dev, unique, opcode, len] = send as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    return {
      kind: 'send',
      dev: Number(dev),
      unique: BigInt(unique),
      opcode: Number(opcode),
      len: Number(len),
    };
  }
  const end = END.exec(line);
  if (end !== null) {
    const [, dev, unique, len, error] = end as unknown as [string, string, string, string, string];
    return {
      kind: 'end',
      dev: Number(dev),
      unique: BigInt(unique),
      len: Number(len),
      error: Number(error),
    };
  }
  const lost = LOST.exec(line);
  if (lost !== null) return { kind: 'lost', count: Number(lost[1] ?? 0) };
  if (OTHER.test(line)) return undefined;
  throw new Error(`no line of a fuse witness: ${line.slice(0, 120)}`);
}

const STATS = /^(overrun|commit overrun|dropped events): (\d+)$/gm;

/** Events a CPU's buffer lost, from per_cpu/cpuN/stats. */
export function lostInStats(stats: string): number {
  let lost = 0;
  for (const [, , count] of stats.matchAll(STATS)) lost += Number(count);
  return lost;
}
