/** Takes out of results what is another in every run: a client's pid, the owner of its locks. */
import { decode } from '../../rig/protocol/codec.ts';
import { IN_HEADER_SIZE } from '../../rig/protocol/constants.ts';
import { lenOf, opcodeOf, pidOf, uniqueOf } from '../../rig/protocol/header.ts';
import { OP, opOf } from '../../rig/protocol/opcodes.ts';
import { headLayout } from '../../rig/protocol/parts.ts';
import { IN_HEADER } from '../../rig/protocol/structs-common.ts';
import { URING_ENT_IN_OUT } from '../../rig/protocol/structs-session.ts';
import type { Result } from './driver.ts';

/** The message with every digit of these bytes made a dot. */
function blank(text: string, at: number, size: number): string {
  const [from, to] = [2 * at, 2 * (at + size)];
  return text.length < to ? text : text.slice(0, from) + '.'.repeat(2 * size) + text.slice(to);
}

/** Where something stands: offset and size in a structure. */
type Place = readonly [offset: number, size: number];

/** An address of the client's, the pid in a lock: what is 0 there stays. */
const VARYING: Readonly<Record<number, readonly Place[]>> = {
  [OP.IOCTL.opcode]: [[16, 8]],
  ...Object.fromEntries([OP.GETLK, OP.SETLK, OP.SETLKW].map(({ opcode }) => [opcode, [[36, 4]]])),
};

interface Head {
  /** Bytes of the request's first structure, and what of it varies. */
  readonly size: number;
  readonly owners: readonly Place[];
  readonly unlessZero: readonly Place[];
}

function headOf(opcode: number): Head {
  const op = opOf(opcode);
  const layout = headLayout(op?.request ?? []);
  const owners = (layout?.list ?? [])
    .filter(([, { role }]) => role === 'lock-owner')
    .map(([, { offset }]): Place => [offset, 8]);
  const size = op?.payloadOnly ? 0 : (layout?.size ?? 0);
  return { size, owners, unlessZero: VARYING[opcode] ?? [] };
}

/** What varies of the structure that begins at `from`. */
function places({ owners, unlessZero }: Head, text: string, from = 0): Place[] {
  const set = ([at, size]: Place) =>
    /[1-9a-f]/.test(text.slice(2 * (from + at), 2 * (from + at + size)));
  return [...owners, ...unlessZero.filter(set)];
}

const blankAll = (text: string, all: readonly Place[], from = 0): string =>
  all.reduce((blanked, [at, size]) => blank(blanked, from + at, size), text);

/**
 * Whether an entry's in_out holds a request, not the reply that the server wrote over it: its error may
 * be the number of an operation.
 */
export function liesWhole(message: Uint8Array, ent: Uint8Array): boolean {
  if (opOf(opcodeOf(message)) === undefined || lenOf(message) < IN_HEADER_SIZE) return false;
  return uniqueOf(message) === decode(URING_ENT_IN_OUT, ent).commit_id;
}

export class Mask {
  /** What varies in each entry's op_in: it stays there until something is put upon it. */
  readonly #left = new Map<string, readonly Place[]>();

  /** `slot`: the entry that was looked at. */
  result(result: Result, slot = ''): Result {
    const { bytes, in_out, op_in, ent } = result;
    if (typeof in_out === 'string') {
      return { ...result, ...this.#entry(slot, in_out, String(op_in), String(ent)) };
    }
    if (typeof bytes !== 'string' || bytes.length < 2 * IN_HEADER_SIZE) return result;
    const message = Buffer.from(bytes.slice(0, 2 * IN_HEADER_SIZE), 'hex');
    const text = pidOf(message) === 0 ? bytes : blank(bytes, IN_HEADER.at.pid, 4);
    const found = places(headOf(opcodeOf(message)), text, IN_HEADER_SIZE);
    return { ...result, bytes: blankAll(text, found, IN_HEADER_SIZE) };
  }

  #entry(slot: string, in_out: string, op_in: string, ent: string): Result {
    const message = Buffer.from(in_out, 'hex');
    const isRequest = liesWhole(message, Buffer.from(ent, 'hex'));
    const head = headOf(isRequest ? opcodeOf(message) : 0);
    const left = this.#left.get(slot)?.filter(([at]) => at >= head.size) ?? [];
    // Where a reply lies, nobody knows which request it was for: owners of locks stand here.
    const unknown: Place[] = isRequest ? [] : [[16, 16]];
    const all = [...left, ...places(head, op_in), ...unknown];
    this.#left.set(slot, all);
    return {
      in_out: pidOf(message) === 0 ? in_out : blank(in_out, IN_HEADER.at.pid, 4),
      op_in: blankAll(op_in, all),
    };
  }
}
