/**
 * A second opinion on what happened on a mount: the kernel's own tracepoints, collected in a tracing
 * instance of ours while a server runs. Needs root and tracefs.
 */
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { scheduler } from 'node:timers/promises';
import { execa } from 'execa';
import { lostInStats, parseWitnessLine, type WitnessEntry } from './lines.ts';

const TRACING = '/sys/kernel/tracing';
const EVENTS = ['fuse_request_send', 'fuse_request_end'];
/** KiB for each CPU: a second of requests even if the reader does not get a turn. */
const BUFFER_KB = 16384;
/** How long the reader may take to empty the buffers at the end. */
const DRAIN_MS = 30_000;
const LOOK_MS = 20;
const TAIL_BYTES = 512;

export interface WitnessLog {
  entries: readonly WitnessEntry[];
  /** Events that were lost; with any, the witness proves nothing. */
  lost: number;
}

export interface Witness {
  /** Collects what is left, and removes the instance. */
  stop(): Promise<WitnessLog>;
}

/** Why there can be no witness here, or undefined. */
export function witnessMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'the kernel’s tracepoints need root';
  if (!existsSync(join(TRACING, 'events'))) {
    return `tracefs is not mounted: mount -t tracefs tracefs ${TRACING}`;
  }
  const absent = EVENTS.find((event) => !existsSync(join(TRACING, 'events/fuse', event)));
  return absent === undefined ? undefined : `this kernel has no tracepoint fuse:${absent}`;
}

let count = 0;

/** Removes the instances of processes that were killed before they could. */
function removeStale(): void {
  for (const name of readdirSync(join(TRACING, 'instances'))) {
    const pid = /^fuse-rig-(\d+)-\d+$/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      rmdirSync(join(TRACING, 'instances', name));
    } catch {
      // Somebody still reads from it.
    }
  }
}

/** Begins to collect the events of every FUSE connection (or of the one with st_dev `dev`). */
export async function startWitness(dev?: number): Promise<Witness> {
  const missing = witnessMissing();
  if (missing !== undefined) throw new Error(`no witness: ${missing}`);
  removeStale();
  const instance = join(TRACING, 'instances', `fuse-rig-${process.pid}-${count++}`);
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-witness-'));
  const set = (name: string, value: string) => writeFileSync(join(instance, name), value);
  mkdirSync(instance);
  set('buffer_size_kb', String(BUFFER_KB));
  // Thread, CPU and time are not used: shorter lines, fewer losses.
  set('options/context-info', '0');
  for (const event of EVENTS) {
    if (dev !== undefined) set(`events/fuse/${event}/filter`, `connection == ${dev}`);
    set(`events/fuse/${event}/enable`, '1');
  }
  const path = join(dir, 'events');
  const reader = execa('cat', [join(instance, 'trace_pipe')], {
    stdout: { file: path },
    buffer: false,
    reject: false,
  });
  return {
    stop: async () => {
      for (const event of EVENTS) set(`events/fuse/${event}/enable`, '0');
      // A pipe shows events in the order of their times: what came before a marker is before it.
      // The second is for events that were on their way into a buffer while the first was written.
      const drained = [await marked(set, path, 'first'), await marked(set, path, 'second')];
      reader.kill();
      await reader;
      const lost = bufferLosses(instance) + drained.filter((seen) => !seen).length;
      rmdirSync(instance);
      const log = await readLog(path, lost);
      rmSync(dir, { recursive: true });
      return log;
    },
  };
}

/** Writes a marker and waits until the reader has written it down; false if that does not happen. */
async function marked(
  set: (name: string, value: string) => void,
  path: string,
  marker: string,
): Promise<boolean> {
  const text = `fuse-rig ${marker} marker`;
  set('trace_marker', text);
  for (let looks = DRAIN_MS / LOOK_MS; looks > 0; looks--) {
    if (tailOf(path).includes(text)) return true;
    await scheduler.wait(LOOK_MS);
  }
  return false;
}

function tailOf(path: string): string {
  const tail = Buffer.alloc(TAIL_BYTES);
  const fd = openSync(path, 'r');
  try {
    const from = Math.max(0, fstatSync(fd).size - TAIL_BYTES);
    return tail.toString('latin1', 0, readSync(fd, tail, 0, TAIL_BYTES, from));
  } finally {
    closeSync(fd);
  }
}

function bufferLosses(instance: string): number {
  let lost = 0;
  for (const cpu of readdirSync(join(instance, 'per_cpu'))) {
    lost += lostInStats(readFileSync(join(instance, 'per_cpu', cpu, 'stats'), 'utf8'));
  }
  return lost;
}

async function readLog(path: string, before: number): Promise<WitnessLog> {
  const entries: WitnessEntry[] = [];
  let lost = before;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const entry = parseWitnessLine(line);
    if (entry === undefined) continue;
    if (entry.kind === 'lost') lost += Math.max(1, entry.count);
    else entries.push(entry);
  }
  return { entries, lost };
}
