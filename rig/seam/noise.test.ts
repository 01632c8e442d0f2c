/** A server that after its end does nothing but fail: the recorder ends it, a replay names it. */
import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SessionEvent } from '../events.ts';
import { ERRNO } from '../protocol/errno.ts';
import { bareReply } from '../protocol/header.ts';
import { built, cannotRecord, complaints, onBench } from '../testing/bench.ts';
import { NOISE_MAX, Noise } from './noise.ts';

const where = { t: 5, handle: 1, conn: 1, tid: 9 };
const read = (result: number): SessionEvent => ({
  kind: 'transport',
  call: 'read',
  result,
  ...where,
});
const reply = (unique: bigint, result: number): SessionEvent => ({
  kind: 'reply',
  bytes: bareReply(unique, 0),
  result,
  ...where,
});
const request: SessionEvent = { kind: 'request', bytes: new Uint8Array(40), ...where };

describe('noise', () => {
  it('is a row of calls that fail; what comes of them is told', () => {
    const noise = new Noise();
    expect(noise.take(reply(2n, 16))).toBe(false);
    for (let i = 0; i < 3; i++) noise.take(read(-ERRNO.ENODEV));
    noise.take(reply(2n, -ERRNO.ENOENT));
    expect(noise).toMatchObject({ count: 4, since: 5, tid: 9, dead: true });
    expect(noise.describe()).toEqual([
      '4 calls in a row failed: 3 read ENODEV, 1 write ENOENT',
      expect.stringMatching(/^every reply was to request 2, .* is taken for a request$/),
    ]);
    noise.take(reply(4n, -ERRNO.ENOENT));
    expect(noise.describe()).toHaveLength(1);
  });

  it('ends with a request, and is no proof of an end while reads only want to be repeated', () => {
    const noise = new Noise();
    noise.take(read(-ERRNO.ENODEV));
    noise.take(request);
    expect(noise).toMatchObject({ count: 0, dead: false });
    noise.take(read(-ERRNO.EAGAIN));
    noise.take(reply(2n, -ERRNO.ENODEV));
    expect(noise).toMatchObject({ count: 2, dead: false });
  });
});

it('of a server that never ends is not recorded: it is told to end, and a replay finds it', async (context) => {
  const why = cannotRecord();
  context.skip(why !== undefined, why);
  await onBench(async (bench) => {
    const command = [built('fuse-rig-odd-server'), 'spin-answer', '{mountpoint}'];
    const recorded = await bench.record(command, ['stat file', 'stat none']);
    expect(recorded.output).toMatch(
      /did not end with its connection and was told to.*calls in a row failed: \d+ \w+ \w+, \d+ .*every reply was to request.*server signal 15 {2}ended by unmount/s,
    );
    expect(recorded).toMatchObject({ code: 0, leftovers: [] });
    // A failing call takes less than 200 bytes of the capture.
    expect(statSync(bench.capture).size).toBeLessThan(NOISE_MAX * 200 + 20_000);
    const replayed = await bench.replay();
    expect(complaints(replayed).join()).toMatch(/spins.*is taken for a request/);
    expect(replayed).toMatchObject({ code: 1, leftovers: [] });
    expect(replayed.second).toBe(replayed.log);
  });
}, 90_000);
