/**
 * Captures as an enemy, or a bug, would write them: every frame is whole and its checksum right, but
 * the messages in it are nonsense. One mutation a function; a seed decides which, where and how many.
 */
import type { ReplyEvent, RequestEvent, SessionEvent } from '../../rig/events.ts';
import { opcodeOf } from '../../rig/protocol/header.ts';
import { OP } from '../../rig/protocol/opcodes.ts';
import type { Prng } from '../prng.ts';

type Message = RequestEvent | ReplyEvent;
type Mutation = (events: SessionEvent[], prng: Prng) => void;

const isMessage = (e: SessionEvent): e is Message => e.kind === 'request' || e.kind === 'reply';
const isRequest = (e: SessionEvent): e is RequestEvent => e.kind === 'request';

const WORDS = [
  0n,
  1n,
  2n,
  3n,
  0xffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 63n,
  (1n << 64n) - 1n,
];

/** A message to change; its bytes become a copy of its own. */
function some(events: SessionEvent[], prng: Prng, which: (e: SessionEvent) => boolean = isMessage) {
  const at = events.flatMap((e, i) => (which(e) ? [i] : []));
  if (at.length === 0) return undefined;
  const i = prng.pick(at);
  const event = { ...(events[i] as Message) };
  event.bytes = event.bytes.slice();
  events[i] = event;
  return event;
}

/** Writes a word of nonsense at a place of the message, if it is that long. */
function putWord(event: Message | undefined, offset: number, size: 4 | 8, prng: Prng): void {
  if (event === undefined || event.bytes.length < offset + size) return;
  const view = new DataView(event.bytes.buffer);
  const word = prng.below(2) === 0 ? prng.pick(WORDS) : BigInt(prng.below(1 << 30));
  if (size === 8) view.setBigUint64(offset, word, true);
  else view.setUint32(offset, Number(word & 0xffffffffn), true);
}

const aWord =
  (offset: number, size: 4 | 8, which?: (e: SessionEvent) => boolean): Mutation =>
  (events, prng) =>
    putWord(some(events, prng, which), offset, size, prng);

const of = (...names: (keyof typeof OP)[]) => {
  const opcodes = new Set(names.map((name) => OP[name].opcode));
  return (e: SessionEvent) => isRequest(e) && e.bytes.length >= 8 && opcodes.has(opcodeOf(e.bytes));
};

/** The message cut or grown; `len` in its header right or left as it was. */
function resize(event: Message | undefined, length: number, honest: boolean): void {
  if (event === undefined) return;
  const bytes = new Uint8Array(Math.max(0, length));
  bytes.set(event.bytes.subarray(0, bytes.length));
  if (honest && bytes.length >= 4) new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  event.bytes = bytes;
}

/** Every way to spoil a capture, by name. */
export const MUTATIONS: Record<string, Mutation> = {
  bits: (events, prng) => {
    const event = some(events, prng);
    if (event === undefined || event.bytes.length === 0) return;
    for (let n = 1 + prng.below(8); n > 0; n--) {
      const at = prng.below(event.bytes.length);
      event.bytes[at] = (event.bytes[at] as number) ^ (1 << prng.below(8));
    }
  },
  cut: (events, prng) => {
    const event = some(events, prng);
    resize(event, prng.below((event?.bytes.length ?? 0) + 1), true);
  },
  'cut, len kept': (events, prng) => {
    const event = some(events, prng);
    resize(event, prng.below((event?.bytes.length ?? 0) + 1), false);
  },
  grow: (events, prng) => {
    const event = some(events, prng);
    resize(event, (event?.bytes.length ?? 0) + 1 + prng.below(5000), true);
  },
  'grow far': (events, prng) => resize(some(events, prng), (1 << 20) + prng.below(5 << 20), true),
  'len field': aWord(0, 4),
  opcode: aWord(4, 4, isRequest),
  'another opcode': (events, prng) => {
    const event = some(events, prng, isRequest);
    if (event === undefined || event.bytes.length < 8) return;
    const { opcode } = prng.pick(Object.values(OP));
    new DataView(event.bytes.buffer).setUint32(4, opcode, true);
  },
  unique: aWord(8, 8),
  nodeid: aWord(16, 8, isRequest),
  owner: aWord(24, 4, isRequest),
  extensions: aWord(36, 4, isRequest),
  'first argument': aWord(40, 8, isRequest),
  'offset and size': (events, prng) => {
    const event = some(events, prng, of('READ', 'WRITE', 'READDIR', 'READDIRPLUS'));
    putWord(event, 48, 8, prng);
    putWord(event, 56, 4, prng);
  },
  'xattr size': aWord(40, 4, of('SETXATTR', 'GETXATTR', 'LISTXATTR')),
  'forget count': aWord(40, 4, of('BATCH_FORGET', 'FORGET')),
  'reply error': aWord(4, 4, (e) => e.kind === 'reply'),
  'reply ids': aWord(16, 8, (e) => e.kind === 'reply'),
  'reply body': (events, prng) => {
    const event = some(events, prng, (e) => e.kind === 'reply' && e.bytes.length > 16);
    for (let n = 0; n < 4; n++) {
      putWord(event, 16 + 8 * prng.below(((event?.bytes.length ?? 16) - 16) >> 3), 8, prng);
    }
  },
  'reply result': (events, prng) => {
    const event = some(events, prng, (e) => e.kind === 'reply');
    if (event?.kind === 'reply') event.result = prng.pick([0, -1, -2, -22, -99999, 1 << 30]);
  },
  'INIT request': (events, prng) => {
    const event = some(events, prng, of('INIT'));
    for (let n = 0; n < 3; n++) putWord(event, 40 + 4 * prng.below(10), 4, prng);
  },
  'INIT reply': (events, prng) => {
    const first = events.find((e) => e.kind === 'reply');
    const event = some(events, prng, (e) => e === first);
    for (let n = 0; n < 3; n++) putWord(event, 16 + 4 * prng.below(16), 4, prng);
  },
  connection: (events, prng) => {
    const event = some(events, prng);
    if (event !== undefined) event.conn = prng.pick([0, 2, 7, 1 << 30]);
  },
  swap: (events, prng) => {
    const [a, b] = [prng.below(events.length), prng.below(events.length)];
    [events[a], events[b]] = [events[b] as SessionEvent, events[a] as SessionEvent];
  },
  drop: (events, prng) => void events.splice(prng.below(events.length), 1 + prng.below(3)),
  twice: (events, prng) => {
    const at = prng.below(events.length);
    events.splice(prng.below(events.length), 0, events[at] as SessionEvent);
  },
  reverse: (events, prng) => {
    const at = prng.below(events.length);
    events.splice(at, 0, ...events.splice(at, 2 + prng.below(20)).reverse());
  },
  /** Entries of queues that the run need not have. */
  places: (events, prng) => {
    for (let n = 1 + prng.below(8); n > 0; n--) {
      const event = some(events, prng);
      const qid = prng.pick([0, 1, 63, 64, 0xffff]);
      if (event !== undefined) event.ring = { qid, entry: prng.pick([0, 7, 1 << 20]) };
    }
  },
  REGISTERs: (events, prng) =>
    void events.splice(prng.below(events.length), 0, {
      ...{ kind: 'register', t: 0, handle: 1, conn: prng.pick([0, 1, 7]), tid: 1, ring: 1 },
      ...{ qid: prng.pick([0, 64, 0xffff]), entry: prng.pick([-1, 0, 1 << 30]) },
      ...{ headers: 0, payload: 0, payloadSize: prng.pick([0, 1, 1 << 30]) },
      result: prng.pick([0, -22]),
    }),
  'no mount': (events) => {
    const at = events.findIndex((e) => e.kind === 'mount');
    if (at >= 0) events.splice(at, 1);
  },
  'unmount early': (events, prng) =>
    void events.splice(prng.below(events.length), 0, {
      kind: 'unmount',
      t: 0,
      conn: 1,
      by: 'server',
      flags: 0,
      result: 0,
    }),
};

/** Spoils a list of events, `begin` and `end` apart. Returns the names of what was done. */
export function mutate(events: SessionEvent[], prng: Prng): string[] {
  const names = Object.keys(MUTATIONS);
  return Array.from({ length: 1 + prng.below(5) }, () => {
    const name = prng.pick(names);
    (MUTATIONS[name] as Mutation)(events, prng);
    return name;
  });
}
