// Ring servers on the real kernel: each does its work, and the kernel's own count of requests is the
// count of completions on the server's rings. Without its ring, the
// same server gives clients the same.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWitness, witnessMissing } from '../witness/witness.ts';
import {
  firstDifference,
  runWorkload,
  type Workload,
  type WorkloadResult,
} from '../workloads/workload.ts';
import { unsuited, workloads } from '../workloads/workloads.ts';
import { overDevice } from './libfuse.ts';
import { libfuseNotify } from './libfuse_notify_store_retrieve.ts';
import { type LiveServer, preparePlaces, startVariant, until } from './live.ts';
import type { Places, Recipe, Variant } from './recipe.ts';
import { allowRings, missingRingKernel, ringRequests, ringsOf } from './ring.ts';
import { libfuseServers } from './servers.ts';

const SEED = 7;
const TIMEOUT_MS = 120_000;
/** Their time is spent elsewhere, on servers of the device. */
const SLOW = new Set(['tree', 'git', 'dd', 'direct', 'readdir', 'concurrent']);

const unable =
  missingRingKernel() ??
  (process.getuid?.() === 0 ? witnessMissing() : 'only root can switch it on');

let release: (() => Promise<void>) | undefined;
beforeAll(async () => {
  if (unable === undefined) release = await allowRings();
});
afterAll(() => release?.());

let places: (Places & { remove(): void }) | undefined;
let server: LiveServer | undefined;
afterEach(async () => {
  await server?.end();
  places?.remove();
  places = server = undefined;
});

async function start(recipe: Recipe, variant: Variant, rings = queues()): Promise<LiveServer> {
  places = await preparePlaces(recipe);
  server = await startVariant(variant, places);
  const { pid } = server;
  // The mount is there before the rings are.
  await until(10, () => (ringsOf(pid).length === rings ? true : undefined));
  return server;
}

/** One queue for each CPU that may ever be there. */
function queues(): number {
  const ranges = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(',');
  return ranges.reduce((sum, range) => {
    const [first, last] = range.split('-').map(Number);
    return sum + (last ?? first ?? 0) - (first ?? 0) + 1;
  }, 0);
}

const threads = (pid: number) =>
  readdirSync(`/proc/${pid}/task`).map((tid) =>
    readFileSync(`/proc/${pid}/task/${tid}/comm`, 'utf8').trim(),
  );

/** The workloads it can be given. */
async function work(recipe: Recipe, mountpoint: string): Promise<WorkloadResult[]> {
  const results: WorkloadResult[] = [];
  for (const workload of recipe === libfuseNotify ? [time] : workloads) {
    if (unsuited(workload, recipe) !== undefined || SLOW.has(workload.name)) continue;
    results.push(await runWorkload(workload, mountpoint, SEED, 'small'));
  }
  return results;
}

/** Reads a file while the server stores new contents under the reader. */
const time: Workload = {
  name: 'time',
  needs: ['notify'],
  programs: [],
  async run({ mountpoint }, log) {
    const path = join(mountpoint, 'current_time');
    const script = `exec 3<${path}; sleep 2.5; sed 's/[0-9]/N/g' ${path}`;
    await log.program('time', 'sh', ['-c', script], { shown: 'lines' });
  },
};

describe.each(libfuseServers.map((recipe) => [recipe.name, recipe] as const))('%s', (_, recipe) => {
  for (const variant of recipe.variants) {
    it(
      `started ${variant.name}: every request comes over its rings, and it ends at an unmount`,
      async (context) => {
        const lacking = unable ?? recipe.missing();
        context.skip(lacking !== undefined, lacking);
        const { pid, dev } = await start(recipe, variant);
        expect(threads(pid).filter((name) => /^fuse-ring-\d+$/.test(name))).toHaveLength(queues());

        const witness = await startWitness(dev);
        const before = ringRequests(pid);
        const results = await work(recipe, places?.mountpoint ?? '');
        // The last RELEASE is still on its way when its close has returned.
        await scheduler.wait(500);
        const least = ringRequests(pid) - before;
        const { entries, lost } = await witness.stop();
        const most = ringRequests(pid) - before;
        const sent = entries.filter(({ kind }) => kind === 'send').length;
        // Both are the same, unless the server goes on asking for what the kernel has cached.
        expect(lost).toBe(0);
        expect(sent).toBeGreaterThanOrEqual(least);
        expect(sent).toBeLessThanOrEqual(most);
        if (recipe !== libfuseNotify) expect(most).toBe(least);
        expect(sent).toBeGreaterThan(4);

        const ended = await server?.end();
        server = undefined;
        expect(ended).toMatchObject({ code: 0, leftovers: [] });
        places?.remove();

        // What clients got is what they get without a ring.
        const other = await start(recipe, overDevice(variant), 0);
        const expected = await work(recipe, other.places.mountpoint);
        expect(ringsOf(other.pid)).toEqual([]);
        const differences = expected.map((one, i) => firstDifference(one, results[i] ?? one));
        expect(results).toHaveLength(expected.length);
        expect(differences.filter((line) => line !== undefined)).toEqual([]);
      },
      TIMEOUT_MS,
    );
  }
});
