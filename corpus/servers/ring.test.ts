// Ring servers on the real kernel: each does its work, and the kernel's own count of requests is the
// count of completions on the server's rings.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWitness, witnessMissing } from '../witness/witness.ts';
import { Log, runWorkload } from '../workloads/workload.ts';
import { unsuited, workloads } from '../workloads/workloads.ts';
import { libfuseNotify } from './libfuse_notify_store_retrieve.ts';
import { type LiveServer, preparePlaces, startVariant, until } from './live.ts';
import type { Places, Recipe, Variant } from './recipe.ts';
import { allowRings, missingRingKernel, ringRequests, ringsOf } from './ring.ts';
import { ringServers } from './servers.ts';

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

async function start(recipe: Recipe, variant: Variant): Promise<LiveServer> {
  places = await preparePlaces(recipe);
  server = await startVariant(variant, places);
  const { pid } = server;
  // The mount is there before the rings are.
  await until(10, () => (ringsOf(pid).length === queues() ? true : undefined));
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

/** What the server can be given; lines that cannot be there when all went well. */
async function work(recipe: Recipe, mountpoint: string): Promise<string[]> {
  if (recipe === libfuseNotify) return readTheTime(mountpoint);
  const lines: string[] = [];
  for (const workload of workloads) {
    if (unsuited(workload, recipe) !== undefined || SLOW.has(workload.name)) continue;
    lines.push(...(await runWorkload(workload, mountpoint, SEED, 'small')).lines);
  }
  return lines;
}

/** Reads the file while the server stores new contents under the reader. */
async function readTheTime(mountpoint: string): Promise<string[]> {
  const log = new Log('small');
  const path = join(mountpoint, 'current_time');
  await log.program('time', 'sh', ['-c', `exec 3<${path}; sleep 2.5; cat ${path}`], {
    shown: 'lines',
  });
  return log.lines;
}

describe.each(ringServers.map((recipe) => [recipe.name, recipe] as const))('%s', (_, recipe) => {
  for (const variant of recipe.variants) {
    it(
      `started ${variant.name}: every request comes over its rings, and it ends at an unmount`,
      async (context) => {
        const lacking = unable ?? recipe.missing();
        context.skip(lacking !== undefined, lacking);
        const { pid, dev, places } = await start(recipe, variant);
        expect(threads(pid).filter((name) => /^fuse-ring-\d+$/.test(name))).toHaveLength(queues());

        const witness = await startWitness(dev);
        const before = ringRequests(pid);
        const lines = await work(recipe, places.mountpoint);
        // The last RELEASE is still on its way when its close has returned.
        await scheduler.wait(500);
        const { entries, lost } = await witness.stop();
        const sent = entries.filter(({ kind }) => kind === 'send').length;
        expect(lines.join('\n')).not.toMatch(/ETIMEDOUT|ENOTCONN|client exit/);
        expect({ lost, came: ringRequests(pid) - before }).toEqual({ lost: 0, came: sent });
        expect(sent).toBeGreaterThan(10);

        const ended = await server?.end();
        server = undefined;
        expect(ended).toMatchObject({ code: 0, leftovers: [] });
      },
      TIMEOUT_MS,
    );
  }
});
