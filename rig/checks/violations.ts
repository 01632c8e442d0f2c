/**
 * What the ownership check says of each violation: a line of what happened, the moments that led to
 * it, and why it is wrong.
 */
import type {
  CompletionEvent,
  EntryBuffer,
  OversizeEvent,
  PoisonReadEvent,
  RegisterEvent,
  SpoiledEvent,
  UnmappedEvent,
} from '../events.ts';
import type { Key } from '../protocol/cursor.ts';
import { errnoName } from '../protocol/errno.ts';
import { opName } from '../protocol/opcodes.ts';
import type { Region } from '../protocol/regions.ts';
import { quoteName } from '../protocol/view.ts';
import { type Carried, HEADERS_SIZE, type LedgerEntry, type Overlap } from './ledger.ts';

export interface Violation {
  readonly text: string;
  readonly details: readonly string[];
}

const COLUMN = 13;
const at = (t: number, what: string): string =>
  `${`${(t / 1e9).toFixed(6)} s`.padEnd(COLUMN)}${what}`;
const why = (what: string): string => `${'why'.padEnd(COLUMN)}${what}`;

const placeOf = (qid: number, entry: number): string => `queue ${qid} entry ${entry}`;
const nameOf = ({ qid, index }: LedgerEntry): string => placeOf(qid, index);
const range = (from: number, length: number): string => `bytes ${from}..${from + length - 1}`;

/** `READ unique 26`; only the number of a request that is not remembered. */
const requestName = (unique: Key, known: Carried | undefined): string =>
  known === undefined ? `unique ${unique}` : `${opName(known.opcode)} unique ${unique}`;

/** How the kernel came to own a buffer. */
const given = (unique: Key, known: Carried | undefined, buffer: EntryBuffer): string =>
  `${unique === 0n ? 'it was registered' : `reply to ${requestName(unique, known)} was committed`}; the kernel owns the ${buffer} from here`;

/** `before` is the request whose reply was committed before, where it is remembered. */
export function spoiled(event: SpoiledEvent, before: Carried | undefined): Violation {
  const { qid, entry, buffer, offset, length, unique, since, t } = event;
  const article = buffer === 'payload' ? 'a payload' : 'headers';
  const done = unique === 0n ? 'registered' : 'committed';
  return {
    text: `${placeOf(qid, entry)}: the server wrote ${length} bytes into ${article} it had ${done}`,
    details: [
      at(since, given(unique, before, buffer)),
      at(
        t,
        `${range(offset, length)} changed while kernel-owned (poison of entry ${qid}/${entry} gone)`,
      ),
      why('a committed buffer belongs to the kernel until the next CQE (struct fuse_ring_ent)'),
    ],
  };
}

/** `reply` and `before` are the requests of those uniques, where they are remembered. */
export function poisonRead(
  event: PoisonReadEvent,
  reply: Carried | undefined,
  before: Carried | undefined,
): Violation {
  const { file, length, qid, entry, buffer, offset, t } = event;
  const message =
    event.unique === 0n ? 'a notification' : `the reply to ${requestName(event.unique, reply)}`;
  const holder = file === '' ? message : `file ${quoteName(Buffer.from(file))}`;
  const taken = range(offset, length);
  const details = [
    at(
      t,
      `${range(event.at, length)} of it are ${taken} of the ${buffer} of ${placeOf(qid, entry)}`,
    ),
    why('what lies in a committed buffer is the next request, whoever asks it'),
  ];
  if (before?.committed !== undefined) {
    details.unshift(at(before.committed, given(event.before, before, buffer)));
  }
  const text = `${holder} holds ${length} bytes of a buffer the server had given back`;
  return { text: `${placeOf(qid, entry)}: ${text}`, details };
}

export function untouched(
  event: PoisonReadEvent,
  reply: Carried | undefined,
  before: Carried | undefined,
): Violation {
  const { length, qid, entry, unique, t } = event;
  const stale =
    event.before === 0n
      ? 'what lay there before'
      : `stale bytes of ${requestName(event.before, before)}`;
  return {
    text: `${placeOf(qid, entry)}: ${requestName(unique, reply)} was answered with ${length} bytes the server never wrote`,
    details: [
      at(t, `${range(event.at, length)} of the reply are as the kernel left them`),
      why(`without poison the client gets ${stale}`),
    ],
  };
}

const regionName = ({ buffer, entry }: Region<LedgerEntry>): string =>
  `the ${buffer} of ${nameOf(entry)}`;

function registered(entry: LedgerEntry): string {
  const buffers = entry.regions.map(
    ({ buffer, start, end }) => `${buffer} 0x${start.toString(16)}+${end - start}`,
  );
  return at(entry.since, `${nameOf(entry)} was registered: ${buffers.join(', ')}`);
}

export function overlapping({ mine, other }: Overlap): Violation {
  const start = Math.max(mine.start, other.start);
  const length = Math.min(mine.end, other.end) - start;
  const theirs = range(start - other.start, length);
  const entries = mine.entry === other.entry ? [mine.entry] : [other.entry, mine.entry];
  return {
    text: `${nameOf(mine.entry)}: ${range(start - mine.start, length)} of its ${mine.buffer} are ${theirs} of ${regionName(other)}`,
    details: [
      ...entries.map(registered),
      why('REGISTER does not compare them: two requests are written over each other'),
    ],
  };
}

/** `entry` where it is known, `request` where its reply was committed. */
export function unmapped(
  event: UnmappedEvent,
  entry: LedgerEntry | undefined,
  request: Carried | undefined,
): Violation {
  const { qid, buffer, unique, opcode, committed, t } = event;
  const place = placeOf(qid, event.entry);
  const before = committed ? undefined : entry?.last;
  const details = [
    committed
      ? at(t, `the reply to ${requestName(unique, request)} was committed, and cannot be read`)
      : at(t, `${opName(opcode)} unique ${unique} cannot be put there: its client gets -EFAULT`),
    why('a registered buffer stays mapped until its entry ends (CQE -ENOTCONN)'),
  ];
  if (request !== undefined)
    details.unshift(at(request.delivered, `${requestName(unique, request)} was delivered there`));
  else if (entry !== undefined) {
    const since = before?.committed ?? entry.since;
    details.unshift(at(since, given(before?.unique ?? 0n, before, buffer)));
  }
  return {
    text: `${place}: its ${buffer} ${buffer === 'payload' ? 'is' : 'are'} not mapped`,
    details,
  };
}

export function oversize(event: OversizeEvent, request: Carried | undefined): Violation {
  const { qid, entry, unique, size, room, t } = event;
  const name = requestName(unique, request);
  const details = [
    at(t, `its reply was committed with payload_sz ${size}`),
    why('what lies behind a payload is not of the entry; the kernel refuses it, or stops (BUG_ON)'),
  ];
  if (request !== undefined) details.unshift(at(request.delivered, `${name} was delivered`));
  const text = `${name} was answered with ${size} bytes, the payload has ${room}`;
  return { text: `${placeOf(qid, entry)}: ${text}`, details };
}

/** A REGISTER with buffers that are too small; `needed`: the least that INIT allows for payloads. */
export function tooSmall(
  event: RegisterEvent,
  headersSize: number,
  needed: number,
): Violation | undefined {
  const short = headersSize < HEADERS_SIZE;
  if (!short && event.payloadSize >= needed) return undefined;
  const [buffer, size, least] = short
    ? ['headers', headersSize, HEADERS_SIZE]
    : ['a payload', event.payloadSize, needed];
  return {
    text: `queue ${event.qid}: REGISTER with ${buffer} of ${size} bytes where ${least} are needed`,
    details: [
      at(event.t, `refused with -${errnoName(event.result)}`),
      why(
        short
          ? 'struct fuse_uring_req_header has to fit'
          : 'the largest of 8192, max_write and max_pages * 4096 (fuse_uring_create())',
      ),
    ],
  };
}

const refusal = (event: CompletionEvent): string => `refused with -${errnoName(event.result)}`;
const commitOf = (known: Carried): string => requestName(known.unique, known);

export function committedTwice(event: CompletionEvent, known: Carried): Violation {
  const { entry, delivered, committed } = known;
  return {
    text: `${nameOf(entry)}: ${commitOf(known)} was committed twice`,
    details: [
      at(delivered, `it was delivered in ${nameOf(entry)}`),
      at(committed ?? delivered, 'its reply was committed'),
      at(event.t, `committed again on queue ${event.qid}: ${refusal(event)}`),
      why("one CQE, one commit: the buffers were the kernel's already"),
    ],
  };
}

export function foreignCommit(event: CompletionEvent, known: Carried): Violation {
  const { qid } = known.entry;
  return {
    text: `queue ${event.qid}: ${commitOf(known)} was committed here, but belongs to queue ${qid}`,
    details: [
      at(known.delivered, `it was delivered in ${nameOf(known.entry)}`),
      at(event.t, `committed on queue ${event.qid}: ${refusal(event)}`),
      why('a commit_id is looked up in the queue that the command names, and nowhere else'),
    ],
  };
}

export function unknownCommit(event: CompletionEvent): Violation {
  const id = BigInt(`0x${event.commitId}`);
  return {
    text: `queue ${event.qid}: unique ${id} was committed, and no such request came on a ring`,
    details: [
      at(event.t, `COMMIT_AND_FETCH commit_id 0x${event.commitId}: ${refusal(event)}`),
      why('commit_id is that of the ring_ent_in_out the request came with'),
    ],
  };
}

/** A command that names a queue that is not there. `cpus`: how many there can be, if it is known. */
export function noQueue(
  event: CompletionEvent | RegisterEvent,
  cpus: number | undefined,
): Violation {
  const [command, reason] =
    event.kind === 'register'
      ? ['REGISTER']
      : ['COMMIT_AND_FETCH', 'no entry was registered there'];
  const beyond = cpus !== undefined && event.qid >= cpus;
  const missing = beyond ? `there are ${cpus}, one a possible CPU` : reason;
  return {
    text: `queue ${event.qid}: ${command} on a queue that does not exist (${missing})`,
    details: [at(event.t, `refused with -${errnoName(event.result)}`)],
  };
}
