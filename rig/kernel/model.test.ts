/** What holds whatever happens: generated sessions against the model, looked at after every step. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../protocol/arbitraries.ts';
import { bareReply } from '../protocol/header.ts';
import { Request } from '../protocol/message.ts';
import { NOTIFY } from '../protocol/notify.ts';
import type { OpName } from '../protocol/opcodes.ts';
import type { Ticket } from './feed.ts';
import type { HandleId } from './kernel.ts';
import { Scene, written } from './scene.ts';

const RESEND_BIT = 1n << 63n;
const POLLIN = 1;
const POLLERR = 8;

/** One step; `n` chooses among whatever there is to choose from. */
const stepArb = fc.record({
  do: fc.constantFrom(
    ...(['ask', 'ask', 'ask', 'read', 'read', 'read', 'reply', 'reply', 'forget'] as const),
    ...(['interrupt', 'kill', 'fault', 'misread', 'misreply', 'resend', 'clone', 'close'] as const),
    ...(['limit', 'noInterrupt', 'again', 'notifyReply'] as const),
  ),
  n: fc.nat(1000),
});
type Step = typeof stepArb extends fc.Arbitrary<infer S> ? S : never;

type Kind = readonly [OpName, object, { background?: boolean; force?: boolean }];
const KINDS: readonly Kind[] = [
  ['LOOKUP', { name: 'a' }, {}],
  ['READ', { size: 8 }, { background: true }],
  ['RELEASE', {}, { background: true, force: true }],
  ['FLUSH', {}, { force: true }],
  ['FORGET', { nlookup: 1n }, { force: true }],
  ['WRITE', { data: new Uint8Array(9000) }, {}],
];

/** A session, and what must hold in it. */
class Session {
  readonly scene = Scene.ready({ max_write: 4096, max_background: 3 });
  handles: HandleId[] = [this.scene.handle];
  /** Requests put in, and how often each has ended. */
  readonly ends = new Map<Ticket, number>();
  /** Read and unanswered: by unique, the handle. */
  readonly out = new Map<bigint, HandleId>();
  /** Numbers seen, without the resend bit. */
  readonly numbers = new Set<bigint>([2n]);
  readonly forgotten: bigint[] = [];
  lastForget = 0n;
  lastFresh = 0n;
  ownWaiting = 0;

  constructor() {
    this.scene.kernel.onEnd = (ticket) => this.ends.set(ticket, (this.ends.get(ticket) ?? 0) + 1);
  }

  get live(): Ticket[] {
    return [...this.ends].filter(([, times]) => times === 0).map(([ticket]) => ticket);
  }
  get ended(): number {
    return this.ends.size - this.live.length;
  }
  pick<T>(list: readonly T[], n: number): T | undefined {
    return list[n % Math.max(list.length, 1)];
  }

  ask(n: number): void {
    const [name, args, marks] = this.pick(KINDS, n) as Kind;
    const before = this.ends.size;
    const ticket = this.scene.ask(name, { ...args }, marks);
    if (!this.ends.has(ticket)) this.ends.set(ticket, 0);
    expect(this.ends.size).toBe(before + 1);
  }

  /** What was delivered is what the order and the numbering promise. */
  delivered(request: Request, handle: HandleId): void {
    const { unique } = request;
    const number = unique & ~RESEND_BIT;
    if (request.name === 'INTERRUPT') {
      expect(this.out.has(unique ^ 1n)).toBe(true);
      return;
    }
    if (request.name === 'NOTIFY_REPLY') {
      this.ownWaiting--;
      return;
    }
    expect(number % 2n).toBe(0n);
    if (request.nodeid >= 1000n || request.name === 'BATCH_FORGET') {
      expect(this.numbers.has(number)).toBe(false);
      const list = request.args.forgets as { nodeid: bigint }[] | undefined;
      this.forgotten.push(...(list?.map(({ nodeid }) => nodeid) ?? [request.nodeid]));
    } else if (unique === number) {
      // First in, first out: what is delivered the first time has ascending numbers.
      expect(number).toBeGreaterThan(this.lastFresh);
      this.lastFresh = number;
    }
    this.numbers.add(number);
    if (request.noReply) return;
    expect(this.out.has(unique)).toBe(false);
    this.out.set(unique, handle);
  }

  read(n: number, size = 8192): void {
    const handle = this.pick(this.handles, n) as HandleId;
    const readable = this.scene.kernel.poll(handle) & POLLIN;
    const before = this.live.length;
    const request = this.scene.read(handle, size);
    if (request instanceof Request) {
      expect(readable).toBe(POLLIN);
      this.delivered(request, handle);
    } else if (size < 8192) expect([request, this.live.length]).toEqual(['EINVAL', before]);
    else if (request === 'BLOCK') expect(this.scene.kernel.poll(handle) & POLLIN).toBe(0);
  }

  /** A reply of some kind to something outstanding: it ends that, or nothing, never two. */
  reply(n: number, wrong: boolean): void {
    const found = this.pick([...this.out], n);
    if (found === undefined) return;
    const [unique, handle] = found;
    const before = this.ended;
    const other = this.handles.find((one) => one !== handle);
    if (wrong && other !== undefined && n % 3 === 0) {
      expect(this.scene.reply(unique, -5, other)).toBe('ENOENT');
      expect(this.ended).toBe(before);
      return;
    }
    if (wrong && n % 3 === 1) {
      expect(this.scene.reply(unique, 5, handle)).toBe('EINVAL');
      expect(this.ended).toBe(before);
      return;
    }
    const message = wrong ? written(unique, -5, new Uint8Array(1)) : bareReply(unique, -5);
    expect(this.scene.write(message, message.length, handle)).toBe(wrong ? 'EINVAL' : 16);
    expect(this.ended).toBe(before + 1);
    expect(this.scene.reply(unique, -5, handle)).toBe('ENOENT');
    expect(this.ended).toBe(before + 1);
    this.out.delete(unique);
  }

  fault(n: number): void {
    const handle = this.pick(this.handles, n) as HandleId;
    const request = this.scene.read(handle, 8192);
    if (!(request instanceof Request)) return;
    this.delivered(request, handle);
    this.scene.kernel.faulted(handle, request.bytes);
    this.out.delete(request.unique);
  }

  resend(): void {
    this.scene.write(written(0n, NOTIFY.RESEND.code), 16, this.handles[0]);
    this.out.clear();
  }

  close(n: number): void {
    if (this.handles.length < 2) return;
    const handle = this.pick(this.handles, n) as HandleId;
    const mine = [...this.out].filter(([, reader]) => reader === handle);
    const before = this.ended;
    this.scene.kernel.close(handle);
    expect(this.ended).toBe(before + mine.length);
    for (const [unique] of mine) this.out.delete(unique);
    this.handles = this.handles.filter((one) => one !== handle);
  }

  run({ do: what, n }: Step): void {
    const { kernel, conn } = this.scene;
    const ticket = this.pick(this.live, n);
    if (what === 'ask') this.ask(n);
    else if (what === 'read') this.read(n);
    else if (what === 'misread') this.read(n, 8191);
    else if (what === 'reply') this.reply(n, false);
    else if (what === 'misreply') this.reply(n, true);
    else if (what === 'fault') this.fault(n);
    else if (what === 'resend') this.resend();
    else if (what === 'close') this.close(n);
    else if (what === 'limit') kernel.writeFusectl(conn, 'max_background', String(n % 5));
    else if (what === 'interrupt' && ticket !== undefined) kernel.interrupt(ticket);
    else if (what === 'kill' && ticket !== undefined) kernel.kill(ticket);
    else if (what === 'forget') {
      const forgets = Array.from({ length: (n % 3) + 1 }, () => ({
        nodeid: 1000n + this.lastForget++,
        nlookup: 1n,
      }));
      kernel.forget(conn, forgets);
    } else if (what === 'clone' && this.handles.length < 4) {
      const handle = kernel.open(2);
      kernel.clone(handle, this.handles[0]);
      this.handles.push(handle);
    } else if (what === 'noInterrupt' || what === 'again') {
      const found = this.pick([...this.out], n);
      if (found === undefined) return;
      this.scene.reply(found[0] | 1n, what === 'again' ? -11 : -38, found[1]);
    } else if (what === 'notifyReply') {
      this.ownWaiting++;
      kernel.notifyReply(conn, BigInt(n), 5n, new Uint8Array(40));
    }
  }

  /** What must hold between any two steps. */
  check(): void {
    const { kernel, conn } = this.scene;
    expect(Math.max(0, ...this.ends.values())).toBeLessThan(2);
    expect(kernel.waiting(conn)).toBe(this.live.length + this.ownWaiting);
    for (const ticket of this.live) {
      const unique = kernel.uniqueOf(ticket);
      if (unique !== undefined) this.numbers.add(unique & ~RESEND_BIT);
    }
    expect(this.forgotten).toEqual(this.forgotten.map((_, i) => 1000n + BigInt(i)));
  }

  /** Reads and answers everything there is. */
  settle(): void {
    const { kernel, conn } = this.scene;
    kernel.writeFusectl(conn, 'max_background', '100');
    // Raising the limit does not look at the queue, the next background request does.
    this.ask(2);
    for (let turn = 0; turn < 10_000 && (this.live.length > 0 || turn < 2); turn++) {
      for (let i = 0; i < this.handles.length; i++) this.read(i);
      this.reply(0, false);
    }
    while (kernel.poll(this.handles[0] as HandleId) & POLLIN) this.read(0);
  }
}

const played = (steps: readonly Step[]): Session => {
  const session = new Session();
  for (const step of steps) {
    session.run(step);
    session.check();
  }
  return session;
};

const stepsArb = fc.array(stepArb, { maxLength: 120 });

describe('generated sessions', () => {
  it('each request ends exactly once; nothing pends after everything was answered', () => {
    fc.assert(
      fc.property(stepsArb, (steps) => {
        const session = played(steps);
        session.settle();
        session.check();
        expect(session.live).toEqual([]);
        expect(session.out.size).toBe(0);
        // No forget is lost, none comes twice, and they keep their order.
        expect(session.forgotten.length).toBe(Number(session.lastForget));
        // Numbers ascend by 2 without a gap: some were taken back unread, all were seen.
        const numbers = [...session.numbers].sort((a, b) => Number(a - b));
        expect(numbers).toEqual(numbers.map((_, i) => BigInt(2 * i + 2)));
      }),
      runs(300),
    );
  });

  it.each(['abort', 'forceUnmount', 'expire', 'shutdown'] as const)(
    'after %s nothing is pending, waiting, answerable or readable',
    (death) => {
      fc.assert(
        fc.property(stepsArb, fc.nat(5), (steps, later) => {
          const session = played(steps);
          const { kernel, conn } = session.scene;
          kernel[death](conn);
          for (let i = 0; i < later; i++) session.ask(i);
          expect(kernel.waiting(conn)).toBe(0);
          expect([...session.ends.values()].every((times) => times === 1)).toBe(true);
          for (const handle of session.handles) {
            expect(kernel.poll(handle)).toBe(POLLERR);
            expect(session.scene.read(handle)).toBe('ENODEV');
          }
          for (const [unique, handle] of session.out) {
            expect(session.scene.reply(unique, -5, handle)).toBe('ENOENT');
          }
        }),
        runs(60),
      );
    },
  );

  it('the same steps give the same session', () => {
    fc.assert(
      fc.property(stepsArb, (steps) => {
        const [one, other] = [played(steps), played(steps)];
        expect([...other.ends]).toEqual([...one.ends]);
        expect([...other.out]).toEqual([...one.out]);
      }),
      runs(40),
    );
  });
});
