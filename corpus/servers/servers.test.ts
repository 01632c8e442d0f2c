// Every recipe on a real mount: each way to start it serves and ends cleanly, and clients get the same
// from it twice.
import { afterEach, describe, expect, it } from 'vitest';
import { firstDifference, runWorkload, type WorkloadResult } from '../workloads/workload.ts';
import { unsuited, workloads } from '../workloads/workloads.ts';
import { type LiveServer, preparePlaces, startVariant } from './live.ts';
import type { Places, Recipe, Variant } from './recipe.ts';
import { servers } from './servers.ts';

/** Workloads that take seconds: on the reference servers only. */
const SLOW = new Set(['tree', 'git', 'dd', 'direct', 'readdir', 'concurrent']);
const SEED = 7;
const TIMEOUT_MS = 120_000;

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
  return server;
}

async function ended(by: 'end' | 'terminate') {
  const result = await server?.[by]();
  server = undefined;
  places?.remove();
  places = undefined;
  return result;
}

const walk = workloads.filter(({ name }) => name === 'walk' || name === 'image');

async function runAll(recipe: Recipe, mountpoint: string, all = true): Promise<WorkloadResult[]> {
  const results: WorkloadResult[] = [];
  for (const workload of all ? workloads : walk) {
    if (unsuited(workload, recipe) !== undefined) continue;
    if (SLOW.has(workload.name) && recipe.packages.length > 0) continue;
    results.push(await runWorkload(workload, mountpoint, SEED, 'small'));
  }
  return results;
}

describe.each(servers.map((recipe) => [recipe.name, recipe] as const))('%s', (_, recipe) => {
  const why = recipe.missing();

  it('says its version', async (context) => {
    context.skip(why !== undefined, why);
    expect(await recipe.version()).toMatch(/\w/);
  });

  for (const variant of recipe.variants) {
    it(
      `started ${variant.name}: serves, and ends at ${variant.end ?? 'an unmount'}`,
      async (context) => {
        const lacking = why ?? variant.missing?.();
        context.skip(lacking !== undefined, lacking);
        const { mountpoint } = (await start(recipe, variant)).places;
        const results = await runAll(recipe, mountpoint, false);
        const lines = results.flatMap((result) => result.lines).join('\n');
        expect(lines).not.toMatch(/ETIMEDOUT|client exit/);
        expect(await ended('end')).toMatchObject({ code: 0, leftovers: [] });
      },
      TIMEOUT_MS,
    );
  }

  it('ends at a SIGTERM with its own exit code', async (context) => {
    context.skip(why !== undefined, why);
    await start(recipe, recipe.variants[0]);
    const end = await ended('terminate');
    expect(end).toMatchObject({ leftovers: [] });
    expect(recipe.sigtermCodes).toContain(end?.code);
  });

  it(
    'gives clients the same twice',
    async (context) => {
      context.skip(why !== undefined, why);
      // The variant that can do most, where the plain one cannot.
      const variant = recipe.variants.find(({ name }) => name === 'notify') ?? recipe.variants[0];
      const [first, second] = [[], []] as [WorkloadResult[], WorkloadResult[]];
      for (const into of [first, second]) {
        const { mountpoint } = (await start(recipe, variant)).places;
        into.push(...(await runAll(recipe, mountpoint)));
        expect(await ended('end')).toMatchObject({ code: 0, leftovers: [] });
      }
      expect(first.length).toBeGreaterThan(0);
      const differences = first.map((one, i) => firstDifference(one, second[i] ?? one));
      expect(differences.filter((line) => line !== undefined)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
