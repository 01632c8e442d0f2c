/**
 * Notifications: what a server writes with unique 0 and a code in place of the error. One row a
 * code; lengths as fuse_notify() in fs/fuse/dev.c checks them. Whether a node or a name is known is
 * the kernel's business, not the message's.
 */

import type { Partially } from './codec.ts';
import { OUT_HEADER_SIZE } from './constants.ts';
import { checkHeader, errorOf, uniqueOf } from './header.ts';
import { type Mark, placesMarks } from './marks.ts';
import { BEFORE_INIT } from './negotiated.ts';
import { array, data, name, type Part, type PartsValues, st } from './op-spec.ts';
import { type Args, decodePlaces, encodeParts, locate, type Place } from './parts.ts';
import { OUT_HEADER } from './structs-common.ts';
import * as session from './structs-session.ts';

/** One row of the notification table. */
export interface NotifySpec {
  readonly name: string;
  readonly code: number;
  /** Protocol minor (of major 7) that brought it. */
  readonly since: number;
  readonly parts: readonly Part[];
  /** The kernel looks at the code only. */
  readonly ignoresBody?: true;
}

// biome-ignore format: one row a code
const ROWS = [
  { name: 'POLL', code: 1, since: 11, parts: [st(session.NOTIFY_POLL_WAKEUP_OUT)] },
  { name: 'INVAL_INODE', code: 2, since: 12, parts: [st(session.NOTIFY_INVAL_INODE_OUT)] },
  { name: 'INVAL_ENTRY', code: 3, since: 12, parts: [st(session.NOTIFY_INVAL_ENTRY_OUT), name('name', 'namelen')] },
  { name: 'STORE', code: 4, since: 15, parts: [st(session.NOTIFY_STORE_OUT), data('data', 'bytes', 'size')] },
  { name: 'RETRIEVE', code: 5, since: 15, parts: [st(session.NOTIFY_RETRIEVE_OUT)] },
  { name: 'DELETE', code: 6, since: 18, parts: [st(session.NOTIFY_DELETE_OUT), name('name', 'namelen')] },
  { name: 'RESEND', code: 7, since: 40, parts: [data('data')], ignoresBody: true },
  { name: 'INC_EPOCH', code: 8, since: 44, parts: [data('data')], ignoresBody: true },
  { name: 'PRUNE', code: 9, since: 45, parts: [st(session.NOTIFY_PRUNE_OUT), array('nodeids', session.NOTIFY_PRUNE_ONE, 'count')] },
] as const satisfies readonly NotifySpec[];

type Row = (typeof ROWS)[number];
export type NotifyName = Row['name'];
export type NotifyArgs<N extends NotifyName> = PartsValues<Extract<Row, { name: N }>['parts']>;

export const NOTIFICATIONS: readonly NotifySpec[] = ROWS;

/** Rows by name: `NOTIFY.STORE.code` is 4. */
export const NOTIFY = Object.fromEntries(NOTIFICATIONS.map((row) => [row.name, row])) as Readonly<
  Record<NotifyName, NotifySpec>
>;

/** The row of a code; undefined for a code the kernel refuses with EINVAL. */
export function notifyOf(code: number): NotifySpec | undefined {
  return NOTIFICATIONS.find((row) => row.code === code);
}

/** `STORE`, or the number of a code without a row. */
export const notifyName = (code: number): string => notifyOf(code)?.name ?? String(code);

/** True for a message a server wrote that is a notification, not a reply. */
export const isNotification = (message: Uint8Array): boolean => uniqueOf(message) === 0n;

/** A decoded notification; `spec` is undefined for an unknown code, `args` then empty. */
export interface Notification {
  readonly code: number;
  readonly spec: NotifySpec | undefined;
  readonly args: Args;
}

const frame = (spec: NotifySpec) => ({
  what: `NOTIFY_${spec.name}`,
  negotiated: BEFORE_INIT,
  extBytes: 0,
});

function placesOf(message: Uint8Array, spec: NotifySpec): Place[] {
  return locate(spec.parts, message, OUT_HEADER_SIZE, frame(spec));
}

/** Reads a whole message (header included) with unique 0. */
export function decodeNotification(message: Uint8Array): Notification {
  checkHeader(message, OUT_HEADER);
  const code = errorOf(message);
  const spec = notifyOf(code);
  if (spec === undefined) return { code, spec, args: {} };
  return { code, spec, args: decodePlaces(message, placesOf(message, spec)) };
}

/** encodeNotification() without the types of one code. */
export function encodeNotificationOf(spec: NotifySpec, args: Args): Uint8Array {
  const fields = { error: spec.code, unique: 0n };
  return encodeParts(spec.parts, args, frame(spec), OUT_HEADER, fields);
}

/** The bytes of a notification. Absent numbers are 0, absent lengths and counts follow the data. */
export function encodeNotification<N extends NotifyName>(
  name: N,
  args: Partially<NotifyArgs<N>>,
): Uint8Array {
  return encodeNotificationOf(NOTIFY[name], args as Args);
}

/** Where the parts of a notification lie; none for an unknown code. Throws ProtocolError. */
export function notifyPlaces(message: Uint8Array): Place[] {
  const spec = notifyOf(errorOf(message));
  return spec === undefined ? [] : placesOf(message, spec);
}

/** The marks of a notification (`marks.ts`); none for an unknown code. */
export function notifyMarks(message: Uint8Array): Mark[] {
  return placesMarks(message, notifyPlaces(message));
}
