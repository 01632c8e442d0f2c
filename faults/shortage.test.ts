/**
 * What a server runs out of, odd requests and odd orders: servers that are wrong in one way each
 * (native/servers/bugs.h) are caught by the fault that it is about, and the same server without is not.
 */
import { describe, expect, it } from 'vitest';
import { OP } from '../rig/protocol/opcodes.ts';
import { isRing, needsRings, play, type ServerName } from './testing/play.ts';

const { READ, INTERRUPT: INTERRUPTS } = OP;
const INTERRUPT = INTERRUPTS.opcode;

interface Trial {
  bug: string;
  rule: string;
  server: ServerName;
  /** Who must find it. */
  check: string;
  /** The clean server's exit code. */
  exit?: number;
}

const TRIALS: readonly Trial[] = [
  {
    ...{ bug: 'emfile-drops-entries', server: 'files', check: 'divergence' },
    rule: 'READDIRPLUS:fds=2:at=asked:until=1',
  },
  {
    ...{ bug: 'emfile-drops-entries', server: 'files', check: 'divergence' },
    rule: 'READDIRPLUS:open=EMFILE:when=3',
  },
  {
    ...{ bug: 'enospc-lost', server: 'files', check: 'content' },
    rule: 'WRITE:backing-write=ENOSPC:when=1',
  },
  {
    ...{ bug: 'enospc-lost-short', server: 'files', check: 'divergence' },
    rule: 'space=6000:at=asked:until=30',
  },
  { bug: 'memlock-fatal', rule: 'mlock=ENOMEM', server: 'pinned', check: 'termination' },
  {
    ...{ bug: 'ring-setup-fails-still-advertised', server: 'ring', check: 'progress' },
    rule: 'eventfd=EMFILE',
  },
  {
    ...{ bug: 'ring-setup-fails-still-advertised', server: 'ring', check: 'progress' },
    rule: 'ring-setup=ENOMEM',
  },
  {
    ...{ bug: 'ring-setup-fails-then-freed', server: 'ring', check: 'termination' },
    rule: 'processes=1:at=before-init',
  },
  {
    ...{ bug: 'parse-error-unanswered', server: 'device', check: 'divergence' },
    rule: 'LOOKUP:malformed=short:when=2',
  },
  {
    ...{ bug: 'opcode-null', server: 'device', check: 'termination' },
    rule: 'malformed=opcode:when=3',
  },
];

describe.each(TRIALS)('$bug, under $rule', ({ bug, rule, server, check, exit = 0 }) => {
  it('is caught', async (context) => {
    if (isRing(server)) needsRings(context);
    const { against, plan } = await play([rule], server, { bug });
    expect(plan[0]?.fired).toBeGreaterThan(0);
    expect(against.map((line) => line.split(':')[0])).toContain(check);
  });

  it('and not where it is not', async (context) => {
    if (isRing(server)) needsRings(context);
    const { against, plan, exit: ended } = await play([rule], server);
    expect(plan[0]?.fired).toBeGreaterThan(0);
    expect({ against, code: ended?.code }).toEqual({ against: [], code: exit });
  });
});

describe('a limit', () => {
  it('holds until it is given back, and then the server is whole again', async () => {
    const { findings, against } = await play(['OPEN,CREATE:fds=0:at=asked:until=1'], 'files');
    expect(against).toEqual([]);
    const said = Object.fromEntries(findings.map(({ check, text }) => [check, text]));
    // OPEN failed; the CREATEs behind it did not.
    expect(said.divergence).toMatch(/^52 replies as captured, 1 hit by a fault, 3 orphaned by it/);
    expect(said.progress).toMatch(
      /^recovered: 1 requests failed for what it lacked, none of the \d+ after/,
    );
  });

  it('that came twice at once is over when both are given back', async () => {
    const rule = 'OPEN,CREATE:fds=0:at=asked:until=1';
    const { against, plan } = await play([rule, rule], 'files');
    expect(plan.map(({ fired }) => fired)).toEqual([1, 1]);
    expect(against).toEqual([]);
  });

  it('of locked memory is refused for who may lock what he likes, and says so', async (context) => {
    context.skip(process.geteuid?.() !== 0, 'only root has CAP_IPC_LOCK');
    const { plan, injected } = await play(['locked=0:at=asked'], 'device');
    expect(plan[0]).toMatchObject({ fired: 0, refused: 1, refusal: 'EPERM' });
    expect(injected).toMatchObject([{ refused: true }]);
  });

  it('of space counts what is written, and only then says ENOSPC', async () => {
    // 16 KiB, and 4 KiB, in WRITEs of 4 KiB and 2 KiB.
    const exact = await play(['space=20480:at=asked'], 'files');
    expect(exact.findings.find(({ check }) => check === 'divergence')?.text).toMatch(/^56 replies/);
    const short = await play(['space=20479:at=asked'], 'files');
    expect(short.findings.find(({ check }) => check === 'divergence')?.text).toMatch(/1 hit by a/);
  });

  it('of a table of handles is met by the open behind the last', async () => {
    const backings = async (rule: string): Promise<number[]> => {
      const { events } = await play([rule], 'handed');
      return events.flatMap((e) => (e.kind === 'backing' && e.op === 'open' ? [e.result] : []));
    };
    expect(await backings('backing-files=1:at=asked')).toEqual([1, 2, 3, 4]);
    expect(await backings('backing-files=0:at=asked')).toEqual([-28, -28, -28, -28]);
  });
});

describe('order and time', () => {
  const order = (events: readonly { kind: string; bytes?: Uint8Array }[]): number[] =>
    events.flatMap(({ kind, bytes }) => {
      if (kind !== 'request' || bytes === undefined || bytes[4] !== READ.opcode) return [];
      return [new DataView(bytes.buffer, bytes.byteOffset).getUint32(48, true)];
    });

  it('a request that is held comes behind so many others', async () => {
    const late = await play(['READ:hold=2:when=2'], 'together');
    // Offsets of READs: the first is of another file, the second the one that is held; behind it in the
    // kernel's queue was one more already.
    expect(order(late.events)).toEqual([0, 4096, 8192, 12_288, 0, 0, 0]);
    const all = await play([], 'together');
    expect(order(all.events)).toEqual([0, 0, 4096, 8192, 12_288, 0, 0]);
    expect(late.against).toEqual([]);
  });

  it('and one with no other beside it is not held at all, which is said', async () => {
    const { plan } = await play(['OPEN:hold=2'], 'files');
    expect(plan[0]).toMatchObject({ fired: 0, refused: 2, refusal: 'EAGAIN' });
  });

  it.each(['early', 'late', 'twice'])('an INTERRUPT comes: %s', async (when) => {
    const { events, against } = await play([`READ:interrupt=${when}:when=2`], 'together');
    const opcodes = events.flatMap((e) => (e.kind === 'request' ? [e.bytes[4]] : []));
    // Another thread of the server takes it, before the reply or with it.
    expect(opcodes.filter((opcode) => opcode === INTERRUPT).length).toBeGreaterThan(0);
    expect(against).toEqual([]);
  });

  it.for(['together', 'ring'] as const)(
    'interrupt-pending is a point, on %s',
    async (server, context) => {
      needsRings(context);
      const rules = ['READ:interrupt=late:when=1', 'abort:at=interrupt-pending'];
      const { plan, against } = await play(rules, server);
      expect(plan.map(({ fired }) => fired)).toEqual([1, 1]);
      expect(against).toEqual([]);
    },
  );
});

it.for(['files', 'ring'] as const)(
  'a client that is about to ask is a point, on %s',
  async (server, context) => {
    if (isRing(server)) needsRings(context);
    for (const how of ['abort', 'sigterm', 'lazy']) {
      const { plan, against } = await play([`${how}:at=asked:when=9`], server);
      expect({ fired: plan[0]?.fired, against }, how).toEqual({ fired: 1, against: [] });
    }
  },
);

describe('a signal at the moment of the mount', () => {
  it.each(['sigterm', 'sigint'])('%s reaches the daemon that is made after it', async (signal) => {
    const { against, exit } = await play([`${signal}:at=before-init`], 'daemon');
    expect({ against, code: exit?.code }).toEqual({ against: [], code: 0 });
  });
});
