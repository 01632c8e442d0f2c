/**
 * model: what a replay's own work costs, without a server and without a system call a request:
 * reading the capture, the model Kernel, translation, comparison, checks and the canonical log. The
 * server's part is played from the capture: each request is answered as it was answered there.
 */
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { CanonicalLog } from '../../replayer/canonical.ts';
import { Cursor } from '../../replayer/cursor.ts';
import { SAME_OWNERS } from '../../replayer/normal.ts';
import { prologue } from '../../replayer/prologue.ts';
import { Conformance } from '../checks/conformance.ts';
import { Content } from '../checks/content.ts';
import { Divergence } from '../checks/divergence.ts';
import type { Check } from '../checks/finding.ts';
import { Guarded } from '../checks/guarded.ts';
import type { ReplayEvent } from '../events.ts';
import { BLOCK } from '../kernel/kernel.ts';
import { ModelKernel } from '../kernel/model.ts';
import { writeU64 } from '../protocol/cursor.ts';
import { opcodeOf, uniqueOf } from '../protocol/header.ts';
import { OP, opOf } from '../protocol/opcodes.ts';

const DATA_BYTES = 4 << 20;
const WHERE = { t: 0, handle: 1, conn: 1, tid: 1 };

/** Replies of the capture in the order of their requests. */
function answers(path: string): Uint8Array[] {
  const reader = CaptureReader.open(path);
  const open = new Map<bigint, number>();
  const found: Uint8Array[] = [];
  let asked = 0;
  for (const event of reader.events()) {
    if (event.kind === 'request') {
      const op = opOf(opcodeOf(event.bytes));
      if (op?.reply.kind !== 'none' && op !== OP.INTERRUPT)
        open.set(uniqueOf(event.bytes), asked++);
    } else if (event.kind === 'reply') {
      const at = open.get(uniqueOf(event.bytes));
      if (at !== undefined) found[at] = event.bytes;
    }
  }
  reader.close();
  return found;
}

export function walk(path: string): {
  requests: number;
  seconds: number;
  log: string;
  user: number;
  sys: number;
} {
  const reader = CaptureReader.open(path);
  const replies = answers(path);
  const before = prologue(reader);
  const model = new ModelKernel(before.offer === undefined ? {} : { offer: before.offer });
  const log = new CanonicalLog();
  const checks: Check[] = [new Divergence(), new Conformance(), new Content()].map(
    (check) => new Guarded(check),
  );
  const consumers: ((event: ReplayEvent) => void)[] = [(e) => log.take(e)];
  const emit = (event: ReplayEvent) => {
    for (const take of consumers) take(event);
  };
  const cursor = new Cursor(reader.events(true), model, SAME_OWNERS, emit);
  consumers.push((e) => e.kind === 'reply' && cursor.replied(e));
  consumers.push(...checks.map((c) => (e: ReplayEvent) => c.take(e)));
  model.onInit = (conn) => cursor.initialised(conn, model.negotiated(conn));
  const handle = model.open(0);
  model.mount(
    {
      fstype: 'fuse',
      source: 'x',
      target: '/m',
      flags: 0,
      options: 'rootmode=40000,user_id=0,group_id=0',
      handle,
    },
    1,
  );
  cursor.connected(1);
  const data = new Uint8Array(DATA_BYTES);
  let next = 0;
  const began = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  for (;;) {
    cursor.pump();
    const n = model.read(handle, DATA_BYTES, data);
    if (n === BLOCK) {
      if (cursor.done) break;
      throw new Error(`stuck at ${cursor.index}`);
    }
    if (n < 0) throw new Error(`read ${n}`);
    const request = data.subarray(0, n);
    const unique = uniqueOf(request);
    emit({ kind: 'request', ...WHERE, bytes: request });
    if (model.ticketOf(handle, unique) === undefined && unique !== 2n) continue;
    const waiting = replies[next++];
    if (waiting === undefined) continue;
    writeU64(waiting, 8, unique);
    const result = model.write(handle, waiting, waiting.length);
    emit({ kind: 'reply', ...WHERE, bytes: waiting, result });
  }
  const c = process.cpuUsage(cpu);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  for (const c of checks) for (const f of c.findings()) if (f.verdict !== 'pass') console.log(f);
  reader.close();
  return {
    requests: cursor.index,
    seconds,
    log: log.digest(),
    user: c.user / cursor.index,
    sys: c.system / cursor.index,
  };
}
if (process.argv[1]?.endsWith('bench/model.js')) {
  for (let i = 0; i < Number(process.argv[3] ?? 3); i++) {
    console.log(walk(process.argv[2] ?? ''));
  }
}
