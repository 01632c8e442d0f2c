/**
 * Servers that serve over a ring in every way io_uring has: each is replayed from one capture that was
 * made on the device, and must answer as that server did, over the ring.
 */
import { describe, expect, it } from 'vitest';
import { complaints } from '../testing/bench.ts';
import { CLIENTS, OddRing } from './testing/odd_ring.ts';

const ring = new OddRing();

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
  'ring-sync-init': '',
  'ring-rain': '',
  'ring-threads': '',
  'ring-threads-unlocked': '',
  'ring-flood': '',
  'ring-forked': '',
  'ring-mixed': '',
  'ring-linked': '',
  'ring-reused': '',
  'ring-timed': '',
  'ring-eventfd': '',
  'ring-epoll': '',
  'ring-overflow': 'overflow yes',
  'ring-overflow-defer': 'overflow yes',
  'ring-many': '',
  'ring-garbage': 'bad indexes 1\nfar tail 8\nfar tail 3',
};

describe('over a ring, a server of the kind', () => {
  it.each(Object.entries(WAYS))('%s answers as over the device', async (mode, says) => {
    const replayed = await ring.replay(mode);
    expect(complaints(replayed), replayed.stderr + replayed.output).toEqual([]);
    expect(replayed).toMatchObject({ code: 0, leftovers: [], log: ring.log, unsupported: [] });
    expect(replayed.output.trim()).toBe(says);
    expect(replayed.ring.queues).toBe(CLIENTS);
    expect(replayed.ring.requests).toBeGreaterThan(20);
  });

  it.each([1, 2, 8, 64])('ring is shown %i CPUs, and binds to each', async (cpus) => {
    const replayed = await ring.replay('ring', cpus);
    expect(complaints(replayed), replayed.output).toEqual([]);
    expect(replayed).toMatchObject({ code: 0, output: '', ring: { queues: cpus, depth: 4 } });
  });

  it('ring-quiet has no CQE for a request (IOSQE_CQE_SKIP_SUCCESS), only for an end', async () => {
    const replayed = await ring.replay('ring-quiet');
    expect(complaints(replayed), replayed.output).toEqual([]);
    expect(replayed).toMatchObject({ code: 0, log: ring.log, leftovers: [] });
    const { requests } = replayed.ring;
    expect(replayed.output).toBe(
      `${requests} requests, 0 of them with a CQE, ${2 * CLIENTS} ends\n`,
    );
  });

  it('ring-linked-fails gets -ECANCELED for its commit, and can commit again', async () => {
    const replayed = await ring.replay('ring-linked-fails');
    const [differs, ...others] = complaints(replayed);
    expect(differs).toMatch(/READ node 2: -EIO {2}in the capture data=6:/);
    expect(others).toEqual([]);
    expect(replayed).toMatchObject({ code: 3, output: '', leftovers: [] });
  });
});

describe('what a ring cannot have in front of the rig is refused or named, by', () => {
  it.each([
    ['ring-sqpoll', 'io_uring_setup EINVAL', [/IORING_SETUP_SQPOLL/, /RESIZE/, /RESTRICTIONS/]],
    ['ring-no-mmap', 'io_uring_setup EINVAL', [/IORING_SETUP_NO_MMAP/, /RESIZE/, /RESTRICTIONS/]],
    ['ring-reads-device', 'read by the ring EOPNOTSUPP', [/operation 22 on \/dev\/fuse/]],
    ['ring-link-on', '', [/linked behind a FUSE command/]],
    ['ring-drain', 'drain EOPNOTSUPP', [/IO_DRAIN/]],
  ])('%s', async (mode, says, named) => {
    const replayed = await ring.replay(mode);
    expect(complaints(replayed), replayed.output).toEqual([]);
    expect(replayed).toMatchObject({ code: 0, leftovers: [], log: ring.log });
    expect(replayed.unsupported).toEqual(named.map((what) => expect.stringMatching(what)));
    expect(replayed.output.split('\n')[0]).toBe(says);
  });
});
