/**
 * Servers that serve over a ring in every way io_uring has: each is replayed from one capture that was
 * made on the device, and must answer as that server did, over the ring, in both runs.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { Bench, built, CLEAN, cannotRecord, complaints } from '../testing/bench.ts';

const ODD = built('fuse-rig-odd-server');
const odd = (mode: string) => [ODD, mode, '{mountpoint}'];
const WORK = ['open f file RDONLY', 'drain f 4K', 'close f', 'stat none', 'stat .'];
const CLIENTS = 6;
const CPUS = 3;

let captured: Bench | undefined;
/** The capture, made once. */
function capture(): Bench {
  if (captured === undefined) throw new Error(cannotRecord() ?? 'no capture');
  return captured;
}

beforeAll(async () => {
  if (cannotRecord() !== undefined) return;
  const bench = new Bench();
  await bench.record(odd('plain'), async () => {
    const one = () => bench.client([...WORK, ...WORK]);
    return (await Promise.all(Array.from({ length: CLIENTS }, one))).flat();
  });
  captured = bench;
  return () => bench.remove();
});

/** What each mode prints besides. */
const WAYS: Record<string, string> = {
  ring: '',
  'ring-one': '',
  'ring-fixed': '',
  'ring-fixed-update': '',
  'ring-fixed-update2': '',
  'ring-fixed-sqe': '',
  'ring-no-sqarray': '',
  'ring-submit-all': '',
  'ring-single-issuer': '',
  'ring-defer-taskrun': '',
  'ring-coop-taskrun': '',
  'ring-taskrun-flag': '',
  'ring-cqe32': '',
  'ring-disabled': '',
  'ring-registered': '',
  'ring-async': '',
  'ring-clone': '',
  'ring-threads': '',
  'ring-threads-unlocked': '',
  'ring-forked': '',
  'ring-mixed': '',
  'ring-linked': '',
  'ring-reused': '',
  'ring-timed': '',
  'ring-eventfd': '',
  'ring-epoll': '',
  'ring-epoll-defer': '',
  'ring-overflow': 'overflow yes',
  'ring-overflow-defer': 'overflow yes',
};

describe('over a ring, a server of the kind', () => {
  it.each(Object.entries(WAYS))('%s answers as over the device', async (mode, says) => {
    const replayed = await capture().replay(odd(mode), { args: ['--cpus', String(CPUS)] });
    expect(complaints(replayed), replayed.stderr + replayed.output).toEqual([]);
    expect(replayed).toMatchObject(CLEAN);
    expect(replayed.output.trim()).toBe(says);
    expect(replayed.second).toBe(replayed.log);
    expect(replayed.ring.queues).toBe(CPUS);
    expect(replayed.ring.requests).toBeGreaterThan(20);
  });
});
