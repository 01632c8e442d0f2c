// Ring servers recorded and replayed: over the real kernel's ring and the model's, from either transport
// into either, and every way of ending alike: exit status, what its last read returned, and the results
// of the commands the kernel held.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { uniqueOf } from '../../rig/protocol/header.ts';
import { RIG } from '../campaigns/ground.ts';
import { run } from '../run.ts';
import { runWorkload } from '../workloads/workload.ts';
import { workloads } from '../workloads/workloads.ts';
import { type Ending, endServer } from './endings.ts';
import { overDevice } from './libfuse.ts';
import { libfusePassthroughHp } from './libfuse_passthrough_hp.ts';
import { type LiveServer, preparePlaces, startVariant } from './live.ts';
import type { Recipe } from './recipe.ts';
import { referencePassthrough } from './reference.ts';
import { referenceRingPassthrough } from './reference_ring.ts';
import { allowRings, missingRingKernel } from './ring.ts';

const TIMEOUT_MS = 120_000;
/** A file of seedTree. */
const FILE = 'big';
const WORK = new Set(['walk', 'renames', 'unlinked']);

const why =
  missingRingKernel() ?? (process.getuid?.() === 0 ? undefined : 'only root can allow rings');

let release: (() => Promise<void>) | undefined;
const scratch = mkdtempSync(join(tmpdir(), 'fuse-rig-ring-replay-'));
beforeAll(async () => {
  if (why === undefined) release = await allowRings();
});
afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await release?.();
});

let remove: (() => void) | undefined;
afterEach(() => {
  remove?.();
  remove = undefined;
});

/** Records the server at its small work, then ends it so. */
async function record(recipe: Recipe, name: string, ending: Ending = 'unmount'): Promise<string> {
  const capture = join(scratch, `${name}.fusecap`);
  const places = await preparePlaces(recipe);
  remove = places.remove;
  const words = ['record', '-q', '--force', '-o', capture, '--fixture', places.fixture, '--'];
  const server: LiveServer = await startVariant(recipe.variants[0], places, [...RIG, ...words]);
  for (const workload of workloads) {
    if (WORK.has(workload.name)) await runWorkload(workload, places.mountpoint, 7, 'small');
  }
  // A signal is for the server, not for the recorder in front of it.
  const target = { ...server, pid: serverOf(capture) };
  await endServer(ending === 'terminate' ? target : server, ending, { file: FILE });
  return capture;
}

interface Facts {
  exit: string;
  /** Results of reads that ended the device, each once. */
  reads: string[];
  /** What the commands the kernel held ended with, each once. */
  cqes: number[];
  /** Entries that had neither such an end nor a request in hand at the end: none. */
  lost: string[];
  /** Over the ring. */
  requests: number;
}

function factsOf(capture: string): Facts {
  const facts: Facts = { exit: '', reads: [], cqes: [], lost: [], requests: 0 };
  const reads = new Set<string>();
  const cqes = new Set<number>();
  const idle = new Set<string>();
  const committed = new Map<string, string>();
  const reader = CaptureReader.open(capture);
  try {
    for (const event of reader.events()) {
      if (event.kind === 'exit' && event.main) facts.exit = `${event.code ?? event.signal}`;
      if (event.kind === 'transport') reads.add(String(event.result));
      if (event.kind === 'register' && event.entry >= 0) idle.add(`${event.qid}/${event.entry}`);
      if (event.kind === 'request' && event.ring !== undefined) {
        facts.requests++;
        idle.delete(`${event.ring.qid}/${event.ring.entry}`);
      }
      if (event.kind === 'reply' && event.ring !== undefined) {
        const place = `${event.ring.qid}/${event.ring.entry}`;
        idle.add(place);
        committed.set(uniqueOf(event.bytes).toString(16), place);
      }
      // A commit that crosses with the end is refused and reaches no entry any more.
      if (event.kind === 'completion') {
        const place = committed.get(event.commitId) ?? `${event.qid}/${event.entry}`;
        cqes.add(event.result);
        idle.delete(place);
      }
    }
  } finally {
    reader.close();
  }
  return { ...facts, reads: [...reads].sort(), cqes: [...cqes], lost: [...idle] };
}

function serverOf(capture: string): number {
  const reader = CaptureReader.open(`${capture}.partial`, { partial: true });
  try {
    for (const event of reader.events()) if (event.kind === 'open') return event.tid;
  } finally {
    reader.close();
  }
  throw new Error('the server never opened the device');
}

async function replay(capture: string, ...words: string[]) {
  const [node = '', ...args] = [...RIG, 'replay', capture, '--json', ...words];
  const ran = await run(node, args, { timeoutS: 60 });
  if (ran.stdout === '') throw new Error(`replay ended with ${ran.code}: ${ran.stderr}`);
  const result = JSON.parse(ran.stdout) as {
    findings: { check: string; verdict: string; text: string; details: string[] }[];
    ring: { requests: number };
    log: string;
    second?: { log: string };
  };
  const complaints = result.findings.filter((finding) => finding.verdict !== 'pass');
  return { ...result, complaints };
}

/** The same server over the device. */
function withoutRing(recipe: Recipe): Recipe {
  if (recipe === referenceRingPassthrough) return referencePassthrough;
  return { ...recipe, variants: [overDevice(recipe.variants[0])] };
}

const plain = (recipe: Recipe): string[] => [...recipe.variants[0].command];

describe.each([[referenceRingPassthrough], [libfusePassthroughHp]] as const)('$name', (recipe) => {
  const lacking = () => why ?? recipe.missing();

  it(
    'is recorded over its ring, and replays into itself and over the device',
    async (context) => {
      context.skip(lacking() !== undefined, lacking());
      const capture = await record(recipe, `${recipe.name}-ring`);
      expect(factsOf(capture).requests).toBeGreaterThan(100);
      for (const words of [['--twice'], ['--cpus', '5'], ['--poison', 'full']]) {
        const { complaints, ring, log, second } = await replay(capture, ...words);
        expect(complaints).toEqual([]);
        expect(ring.requests).toBeGreaterThan(100);
        if (second !== undefined) expect(second.log).toBe(log);
      }
      const overDevice = await replay(capture, '--', ...plain(referencePassthrough));
      expect(overDevice.ring.requests).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'replays over its ring what was recorded over the device',
    async (context) => {
      context.skip(lacking() !== undefined, lacking());
      const capture = await record(withoutRing(recipe), `${recipe.name}-device`);
      expect(factsOf(capture).requests).toBe(0);
      const { complaints, ring } = await replay(capture, '--', ...plain(recipe));
      expect(complaints).toEqual([]);
      expect(ring.requests).toBeGreaterThan(100);
    },
    TIMEOUT_MS,
  );

  it.for([
    ['unmount', 'unmount'],
    ['lazy', 'unmount'],
    ['forced', 'force'],
    ['abort', 'abort'],
    ['terminate', 'sigterm'],
  ] as const)(
    'ends by %s as the model says',
    { timeout: TIMEOUT_MS },
    async ([ending, how], context) => {
      context.skip(lacking() !== undefined, lacking());
      const capture = await record(recipe, `${recipe.name}-${ending}`, ending);
      const kept = join(scratch, `${recipe.name}-${ending}-run.fusecap`);
      await replay(capture, '--end', how, '--keep', kept);
      const [live, model] = [factsOf(capture), factsOf(kept)];
      expect(model.exit).toBe(live.exit);
      // A server that ends at a signal may be gone before its read returns.
      if (ending !== 'terminate') expect(model.reads).toEqual(live.reads);
      expect(model.cqes).toEqual(live.cqes);
      expect([...live.lost, ...model.lost]).toEqual([]);
    },
  );
});
