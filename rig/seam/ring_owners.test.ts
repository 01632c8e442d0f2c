/**
 * Ownership in real runs: servers with one mistake each, and what the rig says of it, to the byte. The
 * server prints where it makes the mistake and what was in the entry before. Clients work one after the
 * other, each in a queue of its own, so that nobody else's request is in the way.
 */
import { describe, expect, it } from 'vitest';
import type { Replayed } from '../testing/bench_words.ts';
import { OddRing } from './testing/odd_ring.ts';

const ring = new OddRing('after');
/** One a process that asks: two clients, the kernel itself (RELEASE), umount. */
const QUEUES = 4;

/** The findings of the ownership check, times as `T`: text and details of each. */
const owned = ({ findings }: Replayed): string[][] =>
  findings
    .filter(({ check, verdict }) => check === 'ownership' && verdict === 'fail')
    .map(({ text, details }) =>
      [text, ...details].map((line) => line.replace(/^\d+\.\d{6} s {3}/, 'T ')),
    );

/** What the server has marked: the place, and the unique that was there. */
const marks = ({ output }: Replayed) =>
  [...output.matchAll(/^queue (\d+) entry (\d+) unique (\d+)$/gm)].map(
    ([, qid, entry, unique]) => ({
      place: `queue ${qid} entry ${entry}`,
      short: `${qid}/${entry}`,
      qid,
      unique,
    }),
  );

async function replayed(mode: string, ...words: string[]) {
  const run = await ring.replay(mode, QUEUES, ...words);
  const [mark = { place: '', short: '', qid: '', unique: '' }, second = mark] = marks(run);
  expect(run.leftovers).toEqual([]);
  return { run, mark, second };
}

const GIVEN = 'the kernel owns the payload from here';
const WRITES =
  'why          a committed buffer belongs to the kernel until the next CQE (struct fuse_ring_ent)';
const READS = 'why          what lies in a committed buffer is the next request, whoever asks it';

describe('a server with one mistake', () => {
  it.each([
    ['payload', 'a payload', 16, '100..115'],
    ['headers', 'headers', 8, '136..143'],
  ])('that writes into its %s after the commit', async (buffer, what, length, bytes) => {
    const { run, mark } = await replayed(`ring-writes-${buffer}`);
    expect(owned(run)).toEqual([
      [
        `${mark.place}: the server wrote ${length} bytes into ${what} it had committed`,
        `T reply to LOOKUP unique ${mark.unique} was committed; the kernel owns the ${buffer} from here`,
        `T bytes ${bytes} changed while kernel-owned (poison of entry ${mark.short} gone)`,
        WRITES,
      ],
    ]);
    expect(run).toMatchObject({ code: 1, log: ring.log });
  });

  it('that writes into what it has only registered', async () => {
    const { run } = await replayed('ring-writes-registered');
    expect(owned(run)).toEqual([
      [
        'queue 0 entry 0: the server wrote 1 bytes into a payload it had registered',
        `T it was registered; ${GIVEN}`,
        'T bytes 32..32 changed while kernel-owned (poison of entry 0/0 gone)',
        WRITES,
      ],
    ]);
    expect(run).toMatchObject({ code: 1, log: ring.log });
  });

  it('that answers out of a buffer it gave back', async () => {
    const { run, mark } = await replayed('ring-answers-back');
    const unique = /^unique (\d+)$/m.exec(run.output)?.[1];
    expect(owned(run)).toEqual([
      [
        `${mark.place}: the reply to READ unique ${unique} holds 64 bytes of a buffer the server had given back`,
        expect.stringMatching(
          new RegExp(`^T reply to RELEASE unique ${mark.unique} was committed; ${GIVEN}$`),
        ),
        `T bytes 0..63 of it are bytes 128..191 of the payload of ${mark.place}`,
        READS,
      ],
    ]);
  });

  it('that writes a file out of a buffer it gave back', async () => {
    const { run, mark } = await replayed('ring-stores-back', '{fixture}');
    expect(owned(run)).toEqual([
      [
        `${mark.place}: file "behind" holds 64 bytes of a buffer the server had given back`,
        `T reply to LOOKUP unique ${mark.unique} was committed; ${GIVEN}`,
        `T bytes 0..63 of it are bytes 0..63 of the payload of ${mark.place}`,
        READS,
      ],
    ]);
  });

  it('that notifies by the device out of a buffer it gave back', async () => {
    const { run, mark } = await replayed('ring-notifies-back');
    expect(owned(run)).toEqual([
      [
        `${mark.place}: a notification holds 64 bytes of a buffer the server had given back`,
        `T reply to LOOKUP unique ${mark.unique} was committed; ${GIVEN}`,
        `T bytes 24..87 of it are bytes 0..63 of the payload of ${mark.place}`,
        READS,
      ],
    ]);
  });

  it('that writes past the end of a payload', async () => {
    const { run, mark, second } = await replayed('ring-overruns');
    const [oversize, spoiled, ...more] = owned(run);
    expect(oversize).toEqual([
      `${mark.place}: READ unique ${mark.unique} was answered with 8256 bytes, the payload has 8192`,
      `T READ unique ${mark.unique} was delivered`,
      'T its reply was committed with payload_sz 8256',
      expect.stringMatching(/^why /),
    ]);
    expect(spoiled?.[0]).toBe(
      `${second.place}: the server wrote 64 bytes into a payload it had registered`,
    );
    expect(spoiled?.[2]).toBe(
      `T bytes 0..63 changed while kernel-owned (poison of entry ${second.short} gone)`,
    );
    expect(more).toEqual([]);
  });
});

describe('buffers that are wrong from the beginning', () => {
  it('overlap: two payloads share a half', async () => {
    const { run } = await replayed('ring-overlaps');
    const [[text, ...moments] = [], ...more] = owned(run);
    expect(text).toBe(
      'queue 0 entry 1: bytes 0..4095 of its payload are bytes 4096..8191 of the payload of queue 0 entry 0 (the first of 4)',
    );
    expect(moments[0]).toMatch(/^T queue 0 entry 0 was registered: headers 0x\w+\+288, payload/);
    expect(more).toEqual([]);
  });

  it('are registered twice', async () => {
    const { run } = await replayed('ring-same-buffer');
    expect(owned(run)[0]?.slice(0, 3)).toEqual([
      'queue 0 entry 1: bytes 0..287 of its headers are bytes 0..287 of the headers of queue 0 entry 0 (the first of 4)',
      expect.stringMatching(/^T queue 0 entry 0 was registered/),
      expect.stringMatching(/^T queue 0 entry 1 was registered/),
    ]);
  });

  it('are too small', async () => {
    const { run } = await replayed('ring-undersized');
    expect(owned(run)).toEqual([
      [
        expect.stringMatching(
          /^queue 0: REGISTER with a payload of 8191 bytes where 8192 are needed \(the first of 8\)$/,
        ),
        'T refused with -EINVAL',
        'why          the largest of 8192, max_write and max_pages * 4096 (fuse_uring_create())',
        ...Array.from({ length: 7 }, () => expect.stringMatching(/^queue [0-3]: REGISTER with/)),
      ],
    ]);
    expect(run).toMatchObject({ code: 1, log: ring.log, ring: { requests: 0 } });
  });

  it('are unmapped when they are registered', async () => {
    const { run } = await replayed('ring-unmapped');
    const lost = owned(run).find(([, , what]) => what?.includes('cannot be put there'));
    expect(lost?.slice(0, 4)).toEqual([
      expect.stringMatching(/^queue 0 entry \d: its headers are not mapped \(the first of \d+\)$/),
      expect.stringMatching(/^T .* the kernel owns the headers from here$/),
      expect.stringMatching(/^T \w+ unique \d+ cannot be put there: its client gets -EFAULT$/),
      expect.stringMatching(/^why /),
    ]);
  });

  it('are unmapped when a reply is committed', async () => {
    const { run } = await replayed('ring-unmapped-commit');
    expect(owned(run)[0]?.slice(0, 3)).toEqual([
      expect.stringMatching(/^queue 0 entry \d: its headers are not mapped/),
      expect.stringMatching(/^T \w+ unique \d+ was delivered there$/),
      expect.stringMatching(/^T the reply to \w+ unique \d+ was committed, and cannot be read$/),
    ]);
  });
});

describe('a commit', () => {
  it('that is made twice', async () => {
    const { run, mark } = await replayed('ring-twice');
    expect(run.output).toContain('twice ENOENT');
    expect(owned(run)).toEqual([
      [
        `${mark.place}: LOOKUP unique ${mark.unique} was committed twice`,
        `T it was delivered in ${mark.place}`,
        'T its reply was committed',
        `T committed again on queue ${mark.qid}: refused with -ENOENT`,
        "why          one CQE, one commit: the buffers were the kernel's already",
      ],
    ]);
    expect(run).toMatchObject({ code: 1, log: ring.log });
  });

  it('that is made on the queue of another', async () => {
    const { run, mark } = await replayed('ring-elsewhere');
    const other = (Number(mark.qid) + 1) % QUEUES;
    expect(owned(run)).toEqual([
      [
        `queue ${other}: LOOKUP unique ${mark.unique} was committed here, but belongs to queue ${mark.qid}`,
        `T it was delivered in ${mark.place}`,
        `T committed on queue ${other}: refused with -ENOENT`,
        'why          a commit_id is looked up in the queue that the command names, and nowhere else',
      ],
    ]);
    expect(run).toMatchObject({ code: 1, log: ring.log });
  });

  it('that is made once more when all is over', async () => {
    const { run } = await replayed('ring-late');
    const [[text, ...details] = [], ...more] = owned(run);
    expect(text).toMatch(/^queue \d entry 1: STATFS unique \d+ was committed twice$/);
    expect(details[2]).toMatch(/^T committed again on queue \d: refused with -ENOTCONN$/);
    expect(more).toEqual([]);
    expect(run).toMatchObject({ code: 1, log: ring.log });
  });
});

describe('a server without the mistake', () => {
  it.each(['ring', 'ring-pool', 'ring-processes'])('%s passes', async (mode) => {
    const { run } = await replayed(mode);
    expect(owned(run)).toEqual([]);
    expect(run, run.stderr + run.output).toMatchObject({ code: 0, log: ring.log });
    expect(run.ring.requests).toBeGreaterThan(10);
    const addresses = new Set(run.output.match(/^payload .*$/gm));
    expect(addresses.size).toBe(mode === 'ring-processes' ? 1 : 0);
  });
});
