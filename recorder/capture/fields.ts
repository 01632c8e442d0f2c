/**
 * The fields of every event that is stored as MessagePack, and the two directions of doing so. One
 * row an event: the compiler refuses a row that lacks a field of rig/events.ts, has one too many, or
 * checks it for another type. What a decoded event is made of went through these checks, so a reader
 * of captures may trust the types.
 */
import { Packr, Unpackr } from 'msgpackr';
import type { SessionEvent } from '../../rig/events.ts';
import { isPlain } from './plain.ts';

/** Events with a binary layout of their own (frame.ts); `begin` has one for its versions. */
export type HotKind = 'request' | 'reply' | 'output' | 'fixture';
export type ColdKind = Exclude<SessionEvent['kind'], HotKind>;
export type ColdEvent = Extract<SessionEvent, { kind: ColdKind }>;

/** `exactly` is never set; it makes a guard for two of three literals no guard for all three. */
type Guard<T> = ((value: unknown) => value is T) & { readonly exactly?: (value: T) => void };
/** A row as the loops below see it: names and predicates. */
type AnyRow = Record<string, (value: unknown) => boolean>;
type Row<E> = { [K in Exclude<keyof E, 'kind'>]-?: Guard<E[K]> };

const int: Guard<number> = (v): v is number => Number.isSafeInteger(v);
const count: Guard<number> = (v): v is number => int(v) && v >= 0;
const u16: Guard<number> = (v): v is number => count(v) && v <= 0xffff;
/** An entry of a queue, or -1 where there is none. */
const index: Guard<number> = (v): v is number => int(v) && v >= -1;
const limit: Guard<number> = (v): v is number => typeof v === 'number' && v >= 0;
const text: Guard<string> = (v): v is string => typeof v === 'string';
/** A u64 in hexadecimal digits, or nothing. */
const hex: Guard<string> = (v): v is string => text(v) && /^[0-9a-f]{0,16}$/.test(v);
const flag: Guard<boolean> = (v): v is boolean => typeof v === 'boolean';

const oneOf =
  <const T>(...values: T[]): Guard<T> =>
  (v): v is T =>
    values.some((value) => value === v);

const orNull =
  <T>(guard: Guard<T>): Guard<T | null> =>
  (v): v is T | null =>
    v === null || guard(v);

/** Matches an optional property: exactOptionalPropertyTypes has no `undefined` in its type. */
const optional =
  <T>(guard: Guard<T>): Guard<T | undefined> =>
  (v): v is T | undefined =>
    v === undefined || guard(v);

const list =
  <T>(guard: Guard<T>): Guard<T[]> =>
  (v): v is T[] =>
    Array.isArray(v) && v.every(guard);

const isObject = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v);

const pair: Guard<[number, number]> = (v): v is [number, number] =>
  list(limit)(v) && v.length === 2;

const limits: Guard<Record<string, [number, number]>> = (
  v,
): v is Record<string, [number, number]> => isObject(v) && Object.values(v).every(pair);

/** The first field of `value` that does not fit its row, or undefined where all do. */
function misfit(row: AnyRow, value: object): string | undefined {
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const [name, guard] of Object.entries(row)) {
    if (!guard(fields.get(name))) return name;
  }
  return [...fields.keys()].find((name) => !Object.hasOwn(row, name));
}

const structure =
  <T extends object>(row: Row<T>): Guard<T> =>
  (v): v is T =>
    isObject(v) && misfit(row, v) === undefined;

const COLD: { [K in ColdKind]: Row<Extract<SessionEvent, { kind: K }>> } = {
  begin: {
    t: count,
    started: text,
    rig: text,
    kernel: text,
    abi: list(text),
    server: structure({
      command: list(text),
      cwd: text,
      env: list(text),
      uid: count,
      gid: count,
      groups: list(count),
      umask: count,
      limits,
    }),
    mountpoint: optional(text),
    fixture: optional(text),
    cpus: optional(count),
    root: optional(text),
  },
  open: { t: count, handle: count, tid: int, flags: int },
  clone: { t: count, handle: count, source: count, conn: count, tid: int, result: int },
  close: { t: count, handle: count },
  mount: {
    t: count,
    handle: count,
    conn: count,
    tid: int,
    fstype: text,
    source: text,
    target: text,
    flags: int,
    options: text,
    result: int,
    dev: int,
  },
  unmount: {
    t: count,
    conn: count,
    by: oneOf('server', 'outside', 'rig'),
    flags: int,
    result: int,
  },
  transport: {
    t: count,
    handle: count,
    conn: count,
    tid: int,
    call: oneOf('read', 'write', 'splice', 'ioctl'),
    result: int,
  },
  backing: {
    t: count,
    handle: count,
    conn: count,
    tid: int,
    op: oneOf('open', 'close'),
    id: int,
    path: text,
    result: int,
  },
  register: {
    t: count,
    handle: count,
    conn: count,
    tid: int,
    ring: count,
    qid: u16,
    pid: optional(count),
    entry: index,
    headers: count,
    payload: count,
    payloadSize: count,
    headersSize: optional(count),
    result: int,
  },
  completion: {
    t: count,
    handle: count,
    conn: count,
    tid: int,
    ring: count,
    command: int,
    qid: u16,
    entry: index,
    commitId: hex,
    result: int,
  },
  'ring-close': { t: count, ring: count },
  unsupported: { t: count, tid: int, what: text },
  injected: {
    t: count,
    handle: count,
    conn: count,
    tid: int,
    rule: count,
    text,
    fault: text,
    at: text,
    opcode: count,
    unique: hex,
    qid: int,
    entry: index,
    result: int,
    refused: flag,
    fate: oneOf(
      ...(['kept', 'lost', 'stuck', 'unsure', 'altered', 'may-fail', 'lacking'] as const),
      ...(['may-die', 'reordered', 'garbled', 'whole', 'none'] as const),
    ),
    synthetic: flag,
    goesOn: flag,
  },
  exit: { t: count, pid: int, main: flag, code: orNull(int), signal: orNull(int) },
  end: {
    t: count,
    reason: oneOf('server-exit', 'unmount', 'interrupt', 'error', 'recovered'),
    requests: count,
    replies: count,
  },
};

// useRecords: msgpackr's record mode defines a structure once and refers to it later, so a log torn
// at the definition is misread in silence. bigint: a 64-bit integer never loses its low bits.
const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'bigint', mapsAsObjects: true });

/**
 * The event's fields, in the order of its row, as one MessagePack map without `kind` (the frame's
 * type says it) and without those in `except`. Valid until the next call. A string: the field that
 * does not fit.
 */
export function packEvent(event: ColdEvent, except?: string): Uint8Array | string {
  const row: AnyRow = COLD[event.kind];
  const { kind: _, ...given } = event;
  const bad = misfit(row, given);
  if (bad !== undefined) return bad;
  const values = new Map<string, unknown>(Object.entries(given));
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(row)) {
    const value = values.get(name);
    if (value !== undefined && name !== except) fields[name] = value;
  }
  return packr.pack(fields);
}

/** The event in `bytes` with `more` fields from elsewhere. A string says what is wrong with them. */
export function unpackEvent(
  kind: ColdKind,
  bytes: Uint8Array,
  more: Record<string, unknown> = {},
): ColdEvent | string {
  if (!isPlain(bytes)) return 'not plain MessagePack';
  let value: unknown;
  try {
    value = unpackr.unpack(bytes);
  } catch (error) {
    return `MessagePack does not decode (${error instanceof Error ? error.message : error})`;
  }
  if (!isObject(value)) return 'not a MessagePack map';
  const fields = { ...value, ...more };
  const bad = misfit(COLD[kind], fields);
  if (bad !== undefined) return `field ${JSON.stringify(bad.slice(0, 40))} is missing or wrong`;
  // Every field of this kind, and no other, has just been checked.
  return { kind, ...fields } as ColdEvent;
}
