/**
 * model: CPU time that a replay's own work takes a request, without a server and without a system
 * call: reading the capture, the model Kernel, translation, comparison, checks and the canonical log.
 * The server's part is played from the capture: each request is answered as it was answered there.
 */
import { existsSync } from 'node:fs';
import { referencePassthrough } from '../../corpus/servers/reference.ts';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { CanonicalLog } from '../../replayer/canonical.ts';
import { checksOf } from '../../replayer/checks.ts';
import { Cursor } from '../../replayer/cursor.ts';
import { SAME_OWNERS } from '../../replayer/normal.ts';
import { prologue } from '../../replayer/prologue.ts';
import type { ReplayEvent } from '../events.ts';
import { BLOCK } from '../kernel/kernel.ts';
import { ModelKernel } from '../kernel/model.ts';
import { writeU64 } from '../protocol/cursor.ts';
import { opcodeOf, uniqueOf } from '../protocol/header.ts';
import { OP, opOf } from '../protocol/opcodes.ts';
import { type Bench, median, spreadOf } from './measure.ts';
import { beside, fuseRig, withPlaces, work } from './servers.ts';

const DATA_BYTES = 4 << 20;
const WHERE = { t: 0, handle: 1, conn: 1, tid: 1 };
const OPTIONS = 'rootmode=40000,user_id=0,group_id=0';

/** What is replayed, by name. */
const WORK: Record<string, readonly string[]> = {
  'read-4k': [
    'open w big WRONLY|CREAT|TRUNC',
    'fill w 1 4M 1M',
    'close w',
    'open r big RDONLY|DIRECT',
    'time-random r 4K 20000 1',
    'close r',
    'unlink big',
  ],
  'create-stat-unlink': ['mkdir names', 'time-names names 4000', 'rmdir names'],
};

const answered = (message: Uint8Array): boolean => {
  const op = opOf(opcodeOf(message));
  return op?.reply.kind !== 'none' && op !== OP.INTERRUPT;
};

/** Replies of a capture in the order of their requests. */
function answers(path: string): (Uint8Array | undefined)[] {
  const reader = CaptureReader.open(path);
  const asked = new Map<bigint, number>();
  const found: (Uint8Array | undefined)[] = [];
  let count = 0;
  for (const event of reader.events()) {
    if (event.kind === 'request' && answered(event.bytes)) {
      asked.set(uniqueOf(event.bytes), count++);
    } else if (event.kind === 'reply') {
      const at = asked.get(uniqueOf(event.bytes));
      if (at !== undefined) found[at] = event.bytes;
    }
  }
  reader.close();
  return found;
}

/** Replays a capture at depth 1 against itself; microseconds of CPU time a request. */
function replayed(path: string): number {
  const replies = answers(path).values();
  const reader = CaptureReader.open(path);
  const { offer } = prologue(reader);
  const model = new ModelKernel(offer === undefined ? {} : { offer });
  const log = new CanonicalLog();
  const checks = checksOf(1);
  const emit = (event: ReplayEvent): void => {
    log.take(event);
    if (event.kind === 'reply') cursor.replied(event);
    for (const check of checks) check.take(event);
  };
  const cursor = new Cursor(reader.events(true), model, SAME_OWNERS, emit);
  model.onInit = (conn) => cursor.initialised(conn, model.negotiated(conn));
  const handle = model.open(0);
  const call = { fstype: 'fuse', source: 'model', target: '/', flags: 0, options: OPTIONS, handle };
  model.mount(call, WHERE.tid);
  cursor.connected(WHERE.conn);
  const data = new Uint8Array(DATA_BYTES);
  const before = process.cpuUsage();
  for (;;) {
    cursor.pump();
    const length = model.read(handle, DATA_BYTES, data);
    if (length === BLOCK) break;
    const bytes = data.subarray(0, length);
    emit({ kind: 'request', ...WHERE, bytes });
    const reply = answered(bytes) ? replies.next().value : undefined;
    if (reply === undefined) continue;
    writeU64(reply, 8, uniqueOf(bytes));
    const result = model.write(handle, reply, reply.length);
    emit({ kind: 'reply', ...WHERE, bytes: reply, result });
  }
  const { user, system } = process.cpuUsage(before);
  reader.close();
  if (!cursor.done) throw new Error(`model: the replay stopped at request ${cursor.index}`);
  const wrong = checks.flatMap((check) => check.findings()).find((f) => f.verdict !== 'pass');
  if (wrong !== undefined) throw new Error(`model: ${wrong.check}: ${wrong.text}`);
  return (user + system) / cursor.index;
}

export async function modelSection(bench: Bench): Promise<void> {
  const missing =
    referencePassthrough.missing() ??
    (existsSync('/dev/fuse') ? undefined : 'there is no /dev/fuse to record a capture with');
  if (missing !== undefined) {
    bench.give({ name: 'model', missing });
    return;
  }
  await withPlaces(referencePassthrough, async (places) => {
    const capture = beside(places, 'bench.fusecap');
    for (const [name, operations] of Object.entries(WORK)) {
      bench.say(`model ${name}: recording`);
      const record = [...fuseRig(), 'record', '-q', '--force', '-o', capture, '--'];
      await work(referencePassthrough, places, record, operations);
      const times: number[] = [];
      // The first one compiles.
      for (let run = 0; run <= bench.runs; run++) times.push(replayed(capture));
      times.shift();
      const [ours, spread] = [median(times), spreadOf(times)];
      const sides = 'CPU time a request, no server';
      bench.give({ name: `model ${name}`, ours, unit: 'us', sides, runs: bench.runs, spread });
    }
  });
}
