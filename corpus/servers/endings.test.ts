// Each way a mount ends, on a server of the device and on one of the ring: what clients get is the
// kernel's doing and the same for both, the exit status is the server's own.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ENDINGS, type Ending, endServer } from './endings.ts';
import { libfusePassthroughHp } from './libfuse_passthrough_hp.ts';
import { preparePlaces, startVariant, until } from './live.ts';
import type { Places, Recipe } from './recipe.ts';
import { referencePassthrough } from './reference.ts';
import { allowRings, missingRingKernel, ringsOf } from './ring.ts';

/** A file of seedTree. */
const FILE = 'big';

const DEAD = ['statfs ENOTCONN', 'fsync ENOTCONN', 'read ENOTCONN', 'open ENOTCONN'];
/** Without a mount, the path leads to the empty directory under it. */
const DETACHED = [...DEAD.slice(0, 3), 'open ENOENT'];
const ALIVE = ['statfs names', 'fsync 0', 'read 100', 'open ENOENT', 'close 0'];

/** Call and result of each call; passthrough servers answer the last close of a live mount. */
const CLIENT: Record<Ending, readonly string[]> = {
  unmount: [],
  forced: [...DEAD, 'close ENOTCONN'],
  lazy: ALIVE,
  abort: [...DEAD, 'close ENOTCONN'],
  terminate: [...DETACHED, 'close ENOTCONN'],
  interrupt: [...DETACHED, 'close ENOTCONN'],
};

const call = (line: string): string => line.replace(/^(\S+) .* = (\S+).*$/, '$1 $2');

const root = process.getuid?.() === 0 ? undefined : 'only root can force an unmount or abort';

let places: (Places & { remove(): void }) | undefined;
afterEach(() => {
  places?.remove();
  places = undefined;
});

describe.each([
  [referencePassthrough, { signal: 0 }],
  [libfusePassthroughHp, { signal: 1 }],
] as const)('$name', (recipe: Recipe, codes: { signal: number }) => {
  const ring = recipe.transport === 'ring';
  const why = root ?? recipe.missing() ?? (ring ? missingRingKernel() : undefined);

  let release: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    if (ring && why === undefined) release = await allowRings();
  });
  afterAll(() => release?.());

  const each = ENDINGS.flatMap((ending) => [[ending, false] as const, [ending, true] as const]);
  it.for(each)('ends by %s, with traffic: %s', async ([ending, traffic], context) => {
    context.skip(why !== undefined, why);
    places = await preparePlaces(recipe);
    const server = await startVariant(recipe.variants[0], places);
    const rings = () => ringsOf(server.pid).length;
    if (ring) expect(await until(10, () => rings() || undefined)).toBeGreaterThan(0);
    const result = await endServer(server, ending, { file: FILE, traffic });
    const signalled = ending === 'terminate' || ending === 'interrupt';
    expect(result).toMatchObject({
      ...{ ending, code: signalled ? codes.signal : 0, signal: null, leftovers: [] },
      umount: ending === 'forced' ? 'target is busy.' : '',
    });
    // With traffic, what is read may be in the page cache.
    const client = result.client.map(call);
    const kept = (lines: readonly string[]) => lines.filter((line) => !/^read/.test(line));
    if (traffic) expect(kept(client)).toEqual(kept(CLIENT[ending]));
    else expect(client).toEqual(CLIENT[ending]);
  });
});
