/** What a reply to OPEN, CREATE, READ or WRITE says of a file's data. */
import type { ReplyEvent } from '../events.ts';
import { readU32 } from '../protocol/cursor.ts';
import { OP } from '../protocol/opcodes.ts';
import { commitRefusal } from '../protocol/ring.ts';
import { OUT_HEADER } from '../protocol/structs-common.ts';
import { OPEN_OUT } from '../protocol/structs-file.ts';
import type { Asked } from './asked.ts';

const FOPEN_PASSTHROUGH = 128;
/** Body of a WRITE's reply, and of replies that are looked over by their length anyway. */
const WRITTEN = { min: 8, max: 8 };
const ANY = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** False if the kernel refuses a committed success, which no result tells. */
export function taken({ bytes, ring }: ReplyEvent, { unique, opcode, size }: Asked): boolean {
  if (ring === undefined) return true;
  const limits =
    opcode === OP.WRITE.opcode ? WRITTEN : opcode === OP.READ.opcode ? { min: 0, max: size } : ANY;
  return commitRefusal(bytes, unique, limits) === 0;
}

/** Whether the fuse_open_out `before` bytes into the body hands the file's data to the kernel. */
export function passthrough(reply: Uint8Array, before: number): boolean {
  const at = OUT_HEADER.size + before;
  if (reply.length < at + OPEN_OUT.size) return false;
  return (readU32(reply, at + OPEN_OUT.at.open_flags) & FOPEN_PASSTHROUGH) !== 0;
}
