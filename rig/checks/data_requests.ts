/** Requests that change a file's data by ranges that the content check does not follow. */
import { IN_HEADER_SIZE } from '../protocol/constants.ts';
import { type Key, keyOf, readU32 } from '../protocol/cursor.ts';
import { Request } from '../protocol/message.ts';
import { OP } from '../protocol/opcodes.ts';

const O_TRUNC = 0o1000;
/** Of SETATTR's `valid`: the only change to data it brings. */
const FATTR_SIZE = 8;

const TOUCHES: ReadonlySet<number> = new Set([
  OP.SETATTR.opcode,
  OP.FALLOCATE.opcode,
  OP.COPY_FILE_RANGE.opcode,
  OP.COPY_FILE_RANGE_64.opcode,
  OP.IOCTL.opcode,
]);

/** Whether a request is one of them. */
export function touches(bytes: Uint8Array, opcode: number): boolean {
  const first = () => readU32(bytes, IN_HEADER_SIZE);
  if (opcode === OP.OPEN.opcode) return (first() & O_TRUNC) !== 0;
  if (opcode === OP.SETATTR.opcode) return (first() & FATTR_SIZE) !== 0;
  return TOUCHES.has(opcode);
}

/** The node whose data that is. */
export function target(bytes: Uint8Array, opcode: number, node: Key): Key {
  const copies = opcode === OP.COPY_FILE_RANGE.opcode || opcode === OP.COPY_FILE_RANGE_64.opcode;
  return copies ? keyOf(new Request(bytes).args.nodeid_out as bigint) : node;
}
