/**
 * A captured request as this run must ask it: ids exchanged, directory offsets found again, sizes cut
 * to what this server negotiated.
 */
import type { RequestSpec } from '../rig/kernel/feed.ts';
import { IN_HEADER_SIZE } from '../rig/protocol/constants.ts';
import {
  type Key,
  keyOf,
  readKey,
  readU16,
  readU32,
  writeKey,
  writeU64,
} from '../rig/protocol/cursor.ts';
import { type FlatField, flatFields, type Layout, type Role } from '../rig/protocol/layout.ts';
import { type Mark, requestMarks, writeMark } from '../rig/protocol/marks.ts';
import { Request } from '../rig/protocol/message.ts';
import { has, maxWriteData, type Negotiated } from '../rig/protocol/negotiated.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { IN_HEADER } from '../rig/protocol/structs-common.ts';
import type { DirectoryStream } from './directory.ts';
import type { Identity } from './identity.ts';
import { type OwnerMap, SAME_OWNERS } from './normal.ts';
import { reform } from './reform.ts';

export interface Translated {
  request: Request;
  /** The handle as the capture names it. */
  fh: Key | undefined;
}

/** A name the run does not know: why the request cannot be asked. */
export class Orphan {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

export interface Translation {
  identity: Identity;
  owners: OwnerMap;
  /** The open directory a READDIR goes on with. */
  stream(fh: bigint): DirectoryStream;
}

const isReaddir = (opcode: number): boolean =>
  opcode === OP.READDIR.opcode || opcode === OP.READDIRPLUS.opcode;

/** What a run has another value for. Owners are looked at only where they are other ones. */
const IDS: ReadonlySet<Role> = new Set(['nodeid', 'fh', 'cookie']);
const IDS_AND_OWNERS: ReadonlySet<Role> = new Set([...IDS, 'uid', 'gid']);

function nodeOfHandle(mark: Mark, marks: readonly Mark[], header: bigint): bigint {
  const of = mark.of === undefined ? undefined : marks.find((m) => m.field === mark.of);
  return of === undefined ? header : BigInt(of.value);
}

/** This run's value for the capture's; undefined when it never came. */
function exchanged(mark: Mark, node: bigint, t: Translation): bigint | number | undefined {
  if (mark.role === 'uid') return t.owners.uid(Number(mark.value));
  if (mark.role === 'gid') return t.owners.gid(Number(mark.value));
  // A cookie is exchanged with its stream, by translate().
  if (mark.role === 'cookie') return mark.value;
  return t.identity.translate(mark, node);
}

/** Exchanges the ids of `bytes` (a private copy) in place. */
export function translate(
  bytes: Uint8Array,
  captured: Negotiated,
  run: Negotiated,
  t: Translation,
): Translated | Orphan {
  const request = new Request(bytes, captured);
  const ids = t.owners === SAME_OWNERS ? plainIds(request) : undefined;
  const fh = ids === undefined ? exchangeMarks(request, t) : exchangeIds(request, ids, t);
  if (fh instanceof Orphan) return fh;
  return { request: captured === run ? request : reform(bytes, captured, run), fh };
}

/** The fields of a request that hold ids, where they can be exchanged one by one: those of most are few. */
function plainIds({ op, places }: Request): readonly FlatField[] | undefined {
  let ids = NO_IDS;
  for (const { part } of places) {
    if (part.part === 'name' || part.part === 'data' || part.part === 'ext') continue;
    if (part.part !== 'struct' || part !== op?.request[0]) return undefined;
    const found = idsOf(part.layout);
    if (found === undefined) return undefined;
    ids = found;
  }
  return ids;
}

const NO_IDS: readonly FlatField[] = [];
/** Undefined: one of them says something of another. */
const ids = new Map<Layout, readonly FlatField[] | undefined>();

function idsOf(layout: Layout): readonly FlatField[] | undefined {
  if (ids.has(layout)) return ids.get(layout);
  const found = flatFields(layout).filter(({ field: { role } }) => role && IDS.has(role));
  const plain = found.every(({ field }) => field.role !== 'cookie' && field.of === undefined);
  ids.set(layout, plain ? found : undefined);
  return ids.get(layout);
}

const never = (role: Role | undefined, value: Key): Orphan =>
  new Orphan(`${role === 'fh' ? 'file handle' : 'node'} ${value} never came`);

/** Exchanges the header's node and the ids of the structure behind it. The first handle. */
function exchangeIds(
  { bytes, places }: Request,
  fields: readonly FlatField[],
  { identity }: Translation,
): Key | undefined | Orphan {
  const nodeid = readKey(bytes, IN_HEADER.at.nodeid);
  const node = identity.nodeKey(nodeid);
  if (node === undefined) return never('nodeid', nodeid);
  if (node !== nodeid) writeKey(bytes, IN_HEADER.at.nodeid, node);
  const size = places[0]?.size ?? 0;
  let fh: Key | undefined;
  for (const { field, offset, end, whenAt } of fields) {
    const { role, when } = field;
    if (end > size) continue;
    if (when !== undefined && (readU32(bytes, IN_HEADER_SIZE + whenAt) & when.bit) === 0) continue;
    const value = readKey(bytes, IN_HEADER_SIZE + offset);
    if (role === 'fh') fh ??= value;
    const run = role === 'fh' ? identity.handleKey(nodeid, value) : identity.nodeKey(value);
    if (run === undefined) return never(role, value);
    if (run !== value) writeKey(bytes, IN_HEADER_SIZE + offset, run);
  }
  return fh;
}

/** The same for any request. */
function exchangeMarks(request: Request, t: Translation): Key | undefined | Orphan {
  const { bytes, nodeid, opcode } = request;
  const marks = requestMarks(request, t.owners === SAME_OWNERS ? IDS : IDS_AND_OWNERS);
  let fh: bigint | undefined;
  for (const mark of marks) {
    const { role } = mark;
    if (role === 'fh') fh ??= BigInt(mark.value);
    const node = role === 'fh' ? nodeOfHandle(mark, marks, nodeid) : nodeid;
    const value = exchanged(mark, node, t);
    if (value === undefined) return never(role, mark.value);
    if (value !== mark.value) writeMark(bytes, mark, value);
  }
  if (isReaddir(opcode)) {
    const cookie = marks.find((m) => m.role === 'cookie');
    if (cookie) writeMark(bytes, cookie, t.stream(fh ?? 0n).offset(BigInt(cookie.value)));
  }
  return fh === undefined ? undefined : keyOf(fh);
}

const specOf = (request: Request, body: Uint8Array, opcode = request.opcode): RequestSpec => ({
  opcode,
  nodeid: readKey(request.bytes, IN_HEADER.at.nodeid),
  uid: request.uid,
  gid: request.gid,
  pid: request.pid,
  body,
  extlen: readU16(request.bytes, IN_HEADER.at.total_extlen),
  background: request.background,
  force: request.force,
  cpu: 0,
});

/** `fuse_write_in` of the part of a WRITE that begins at `done`. */
function writePart(body: Uint8Array, head: number, done: number, size: number): Uint8Array {
  const part = new Uint8Array(head + size);
  part.set(body.subarray(0, head));
  part.set(body.subarray(head + done, head + done + size), head);
  const view = new DataView(part.buffer);
  writeU64(part, 8, view.getBigUint64(8, true) + BigInt(done));
  view.setUint32(16, size, true);
  return part;
}

/** What goes into the queue for a request: usually itself; what this server cannot take, otherwise. */
export function adapt(request: Request, negotiated: Negotiated): RequestSpec[] {
  const { opcode, body } = request;
  const most = maxWriteData(negotiated);
  if (opcode === OP.WRITE.opcode && body.length - 40 > most) {
    const specs: RequestSpec[] = [];
    for (let done = 0; done < body.length - 40; done += most) {
      const size = Math.min(most, body.length - 40 - done);
      specs.push(specOf(request, writePart(body, 40, done, size)));
    }
    return specs;
  }
  if (opcode === OP.READDIRPLUS.opcode && !has(negotiated, 'DO_READDIRPLUS')) {
    return [specOf(request, body, OP.READDIR.opcode)];
  }
  return [specOf(request, body)];
}
