/** Servers at work for a measure: on a mount as they are, or with something of ours in front. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtProgram, must } from '../../corpus/run.ts';
import { preparePlaces, startVariant } from '../../corpus/servers/live.ts';
import type { Recipe } from '../../corpus/servers/recipe.ts';

export type Places = Awaited<ReturnType<typeof preparePlaces>>;

/** The program itself, from a checkout's sources and from dist alike. */
const BIN = ['../cli/bin.mjs', '../../../rig/cli/bin.mjs'];

export function fuseRig(): string[] {
  const found = BIN.map((path) => fileURLToPath(new URL(path, import.meta.url))).find(existsSync);
  if (found === undefined) throw new Error('rig/cli/bin.mjs is not there; run this in a checkout');
  return [process.execPath, found];
}

/** Runs operations of fuse-rig-client below `dir`; nanoseconds of those that say them, by name. */
export async function client(
  dir: string,
  operations: readonly string[],
  timeoutS = 300,
): Promise<Map<string, number>> {
  const program = builtProgram('fuse-rig-client');
  if (program === undefined) throw new Error('fuse-rig-client is not built: npm run build');
  const said = await must(program, [dir], { input: `${operations.join('\n')}\n`, timeoutS });
  const times = new Map<string, number>();
  for (const line of said.split('\n')) {
    const [, name, result] = /^(\S+).* = (\S+)/.exec(line) ?? [];
    if (name === undefined) continue;
    if (!/^\d+/.test(result ?? '')) throw new Error(`${line} (in ${dir})`);
    if (name.startsWith('time-')) times.set(name, Number(result));
  }
  return times;
}

/**
 * Starts the server with `prefix` in front, has the client work on its mount, then several at once if
 * `together` says what each does, and ends it. Times by operation; of those at once, the longest.
 */
export async function work(
  recipe: Recipe,
  places: Places,
  prefix: readonly string[],
  operations: readonly string[],
  together: readonly (readonly string[])[] = [],
): Promise<Map<string, number>> {
  const server = await startVariant(recipe.variants[0], places, prefix);
  try {
    const times = await client(places.mountpoint, operations);
    const others = await Promise.all(together.map((each) => client(places.mountpoint, each)));
    for (const [name, time] of others.flatMap((each) => [...each])) {
      times.set(`${name} together`, Math.max(times.get(`${name} together`) ?? 0, time));
    }
    return times;
  } finally {
    const { leftovers } = await server.end();
    if (leftovers.length > 0) process.stderr.write(`left behind: ${leftovers.join(', ')}\n`);
  }
}

/** Places of a recipe for the time of `use`. */
export async function withPlaces<T>(recipe: Recipe, use: (places: Places) => Promise<T>) {
  const places = await preparePlaces(recipe);
  try {
    return await use(places);
  } finally {
    places.remove();
  }
}

/** A file beside the fixture, gone with it. */
export const beside = (places: Places, name: string): string => join(places.fixture, '..', name);
