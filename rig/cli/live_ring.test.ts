/**
 * `fuse-rig live` over FUSE over io_uring: faults of the ring's set-up, of commits and CQEs, and the end
 * at its moments, in front of the real kernel. Each run says what came true, ends, and leaves nothing.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { libfusePassthroughHp } from '../../corpus/servers/libfuse_passthrough_hp.ts';
import { whyNotOffered } from '../testing/offer_ring.ts';
import { needsMounts, Place, SERVER } from './testing/place.ts';
import { live, WORK } from './testing/told.ts';

const WORKLOAD = ['--workload', WORK];
/** Four clients at once; what one of them holds another waits for. */
const TOGETHER =
  'for n in 1 2 3 4; do (for m in 1 2 3; do cat {mountpoint}/a; stat {mountpoint}/no$m; done) & done; wait';

let place: Place;
beforeEach((context) => {
  place = new Place();
  writeFileSync(join(place.source, 'a'), 'text of a\n');
  needsMounts(context);
  context.skip(whyNotOffered() !== undefined, whyNotOffered());
});
afterEach(() => place.remove());

const reference = (...options: string[]): string[] => [
  ...[SERVER, '--transport', 'ring', '--ring-required', ...options],
  ...['--fs', `passthrough=${place.source}`],
];

/** libfuse's, without the mountpoint, over the same directory. */
const libfuse = (): string[] =>
  libfusePassthroughHp.variants[0].command
    .slice(0, -1)
    .map((word) => word.replace('{fixture}/src', place.source));

/** How it ends: an exit code, any (the fault is its reason), or SIGKILL. */
type Exits = number | 'any' | 'killed';
/** Of libfuse's only where there is something of its own to see. */
const CASES: readonly (readonly [rule: string, reference: Exits, libfuse?: Exits])[] = [
  ['READ:abort:at=cqe-before-commit', 0, 0],
  ['READ:force:at=cqe-before-commit', 0],
  ['READ:sigterm:at=cqe-before-commit', 0, 1],
  ['READ:sigkill:at=delivered', 'killed', 'killed'],
  ['abort:at=commit:when=5', 0],
  ['abort:at=init-replied', 0],
  ['abort:at=before-register', 0],
  ['abort:at=registered:when=5', 0, 0],
  ['force=twice:at=registered:when=11', 0, 0],
  ['lazy:at=registered:when=2', 0],
  ['sigterm:at=registered:when=3', 0, 1],
  ['sigint:at=before-register:when=4', 0],
  ['sigkill:at=registered:when=9', 'killed'],
  // The reference server was told to have a ring or to end.
  ['register=ENOMEM:when=3', 1, 'any'],
  ['register=EAGAIN:when=2', 0, 0],
  ['ring-setup=ENOMEM:when=1', 1, 'any'],
  ['READ:commit=EAGAIN:when=1', 0],
  ['fds=0:at=delivered:until=4:when=3', 0],
];

async function comesTrue(rule: string, exits: Exits, server: string[]): Promise<void> {
  const told = await live(place, [rule], WORKLOAD, server);
  expect(told.failed, told.stderr).toEqual([]);
  const code = exits === 'any' ? expect.anything() : exits;
  const exit = exits === 'killed' ? { code: null, signal: 9 } : { code };
  expect(told).toMatchObject({ code: 0, exit, notes: [], plan: [{ rule }] });
  expect(told.plan[0]?.fired).toBeGreaterThan(0);
  expect(place.left()).toEqual([]);
}

describe('the reference server over the ring', () => {
  const all = CASES.map(([rule, exits]): [string, Exits] => [rule, exits]);
  it.each(all)('%s comes true, nobody is accused, nothing is left', (rule, exits) =>
    comesTrue(rule, exits, reference()),
  );

  it('an abort while several requests are under way', async () => {
    const rule = 'abort:at=delivered:inflight=2';
    const words = ['--workload', TOGETHER];
    const told = await live(place, [rule], words, reference('--ring-replies', 'worker'));
    // Whether two meet is the scheduler's choice.
    expect(told.failed, told.stderr).toEqual([]);
    expect(told.code).toBe(told.plan[0]?.fired === 0 ? 6 : 0);
    expect(place.left()).toEqual([]);
  });

  it('is asked for its buffers and commits, and serves through its ring', async () => {
    const told = await live(place, [], ['--workload', TOGETHER], reference());
    expect(told).toMatchObject({ code: 0, failed: [], ended: 'workload', workload: 'exit 0' });
    expect(told.ring.queues).toBeGreaterThan(0);
    expect(told.ring.requests).toBeGreaterThan(10);
    expect(told.passed.join('\n')).toMatch(/^ownership: \d+ entries in \d+ queues, [1-9]/m);
    expect(place.left()).toEqual([]);
  });
});

describe("libfuse's passthrough_hp over the ring", () => {
  beforeEach((context) => {
    const why = libfusePassthroughHp.missing();
    context.skip(why !== undefined, why);
    mkdirSync(join(place.source, 'dir'));
  });

  const own = CASES.flatMap(([rule, , exits]): [string, Exits][] =>
    exits === undefined ? [] : [[rule, exits]],
  );
  it.each(own)('%s comes true, nobody is accused, nothing is left', (rule, exits) =>
    comesTrue(rule, exits, libfuse()),
  );

  // A ring that is never ready, and a client that waits for it for ever (docs/explore.md).
  it('that hangs when its ring cannot be set up is found, and the run ends', async () => {
    const told = await live(place, ['uring-register=ENOMEM:when=1'], WORKLOAD, libfuse());
    const found = 'progress: the server lives and answers nothing any more (proven)';
    expect(told, told.stderr).toMatchObject({ code: 1, ended: 'stall', failed: [found] });
    expect(told.notes).toEqual([expect.stringMatching(/^abort: /)]);
    expect(place.left()).toEqual([]);
  });

  it('is not blamed for what a fault left without an answer', async () => {
    const told = await live(place, ['READ:cqe=ECANCELED:when=1'], WORKLOAD, libfuse());
    expect(told, told.stderr).toMatchObject({ code: 0, ended: 'stall', failed: [] });
    expect(told.notes).toEqual([expect.stringMatching(/^abort: /)]);
    expect(place.left()).toEqual([]);
  });
});
