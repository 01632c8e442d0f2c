/**
 * A captured request as this run must ask it: ids exchanged, directory offsets found again, sizes cut
 * to what this server negotiated.
 */
import type { RequestSpec } from '../rig/kernel/feed.ts';
import { readU16, writeU64 } from '../rig/protocol/cursor.ts';
import type { Role } from '../rig/protocol/layout.ts';
import { type Mark, requestMarks, writeMark } from '../rig/protocol/marks.ts';
import { Request } from '../rig/protocol/message.ts';
import { has, type Negotiated } from '../rig/protocol/negotiated.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { IN_HEADER } from '../rig/protocol/structs-common.ts';
import type { DirectoryStream } from './directory.ts';
import type { Identity } from './identity.ts';
import { type OwnerMap, SAME_OWNERS } from './normal.ts';
import { reform } from './reform.ts';

export interface Translated {
  request: Request;
  /** The handle as the capture names it. */
  fh: bigint | undefined;
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
  const { nodeid, opcode } = request;
  const marks = requestMarks(request, t.owners === SAME_OWNERS ? IDS : IDS_AND_OWNERS);
  let fh: bigint | undefined;
  for (const mark of marks) {
    const { role } = mark;
    if (role === 'fh') fh ??= BigInt(mark.value);
    const node = role === 'fh' ? nodeOfHandle(mark, marks, nodeid) : nodeid;
    const value = exchanged(mark, node, t);
    if (value === undefined) {
      return new Orphan(`${role === 'fh' ? 'file handle' : 'node'} ${mark.value} never came`);
    }
    if (value !== mark.value) writeMark(bytes, mark, value);
  }
  if (isReaddir(opcode)) {
    const cookie = marks.find((m) => m.role === 'cookie');
    if (cookie) writeMark(bytes, cookie, t.stream(fh ?? 0n).offset(BigInt(cookie.value)));
  }
  return { request: captured === run ? request : reform(bytes, captured, run), fh };
}

const specOf = (request: Request, body: Uint8Array, opcode = request.opcode): RequestSpec => ({
  opcode,
  nodeid: request.nodeid,
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
  if (opcode === OP.WRITE.opcode && body.length - 40 > negotiated.maxWrite) {
    const specs: RequestSpec[] = [];
    for (let done = 0; done < body.length - 40; done += negotiated.maxWrite) {
      const size = Math.min(negotiated.maxWrite, body.length - 40 - done);
      specs.push(specOf(request, writePart(body, 40, done, size)));
    }
    return specs;
  }
  if (opcode === OP.READDIRPLUS.opcode && !has(negotiated, 'DO_READDIRPLUS')) {
    return [specOf(request, body, OP.READDIR.opcode)];
  }
  return [specOf(request, body)];
}
