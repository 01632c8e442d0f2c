/** Takes out of results what is another in every run: a client's pid, the owner of its locks. */
import { IN_HEADER_SIZE } from '../../rig/protocol/constants.ts';
import { opcodeOf, pidOf } from '../../rig/protocol/header.ts';
import { opOf } from '../../rig/protocol/opcodes.ts';
import { headLayout } from '../../rig/protocol/parts.ts';
import { IN_HEADER } from '../../rig/protocol/structs-common.ts';
import type { Result } from './driver.ts';

/** The message with every digit of these bytes made a dot. */
function blank(text: string, at: number, size: number): string {
  const [from, to] = [2 * at, 2 * (at + size)];
  return text.length < to ? text : text.slice(0, from) + '.'.repeat(2 * size) + text.slice(to);
}

const OWNER_SIZE = 8;

interface Head {
  /** Bytes of the request's first structure, and where in it owners of locks stand. */
  readonly size: number;
  readonly owners: readonly number[];
}

function headOf(opcode: number): Head {
  const op = opOf(opcode);
  const layout = headLayout(op?.request ?? []);
  const fields = layout?.list ?? [];
  const owners = fields.filter(([, { role }]) => role === 'lock-owner').map(([, at]) => at.offset);
  return { size: op?.payloadOnly ? 0 : (layout?.size ?? 0), owners };
}

export class Mask {
  /** Where owners stand in each entry's op_in: they stay there until something is put upon them. */
  readonly #owners = new Map<string, readonly number[]>();

  /** `slot`: the entry that was looked at. */
  result(result: Result, slot = ''): Result {
    const { bytes, in_out, op_in } = result;
    if (typeof in_out === 'string')
      return { ...result, ...this.#entry(slot, in_out, String(op_in)) };
    if (typeof bytes !== 'string' || bytes.length < 2 * IN_HEADER_SIZE) return result;
    const head = Buffer.from(bytes.slice(0, 2 * IN_HEADER_SIZE), 'hex');
    let text = pidOf(head) === 0 ? bytes : blank(bytes, IN_HEADER.at.pid, 4);
    for (const at of headOf(opcodeOf(head)).owners)
      text = blank(text, IN_HEADER_SIZE + at, OWNER_SIZE);
    return { ...result, bytes: text };
  }

  #entry(slot: string, in_out: string, op_in: string): Result {
    const bytes = Buffer.from(in_out, 'hex');
    const { size, owners } = headOf(opcodeOf(bytes));
    const left = this.#owners.get(slot)?.filter((at) => at >= size) ?? [];
    const all = [...left, ...owners];
    this.#owners.set(slot, all);
    return {
      in_out: pidOf(bytes) === 0 ? in_out : blank(in_out, IN_HEADER.at.pid, 4),
      op_in: all.reduce((text, at) => blank(text, at, OWNER_SIZE), op_in),
    };
  }
}
