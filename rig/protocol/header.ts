/**
 * Single header fields straight from a message's bytes: no object is made, so the hot path may call
 * these for every message. `len` and `unique` lie at the same offsets in both headers.
 */

import { encode } from './codec.ts';
import { INTERRUPT_BIT, OUT_HEADER_SIZE } from './constants.ts';
import {
  type Key,
  keyOf,
  need,
  ProtocolError,
  readKey,
  readS32,
  readU16,
  readU32,
  readU64,
} from './cursor.ts';
import type { Layout } from './layout.ts';
import { OUT_HEADER } from './structs-common.ts';

/** `len` of a request or a reply: the whole message, header included. */
export const lenOf = (message: Uint8Array): number => readU32(message, 0);
export const opcodeOf = (request: Uint8Array): number => readU32(request, 4);
/** `error` of a reply: 0 or a negative errno; of a notification: its code. */
export const errorOf = (reply: Uint8Array): number => readS32(reply, 4);
export const uniqueOf = (message: Uint8Array): bigint => readU64(message, 8);
/** `unique` as it is looked up. */
export const uniqueKeyOf = (message: Uint8Array): Key => readKey(message, 8);
/** The request that a reply's unique names: the bit of an INTERRUPT's is not looked at. */
export function namedBy(unique: Key): Key {
  if (typeof unique === 'bigint') return keyOf(unique & ~INTERRUPT_BIT);
  return unique - (unique % 2);
}
export const nodeidOf = (request: Uint8Array): bigint => readU64(request, 16);
export const uidOf = (request: Uint8Array): number => readU32(request, 24);
export const gidOf = (request: Uint8Array): number => readU32(request, 28);
export const pidOf = (request: Uint8Array): number => readU32(request, 32);
/** Bytes of the extensions at the end of a request (`total_extlen` counts units of 8). */
export const extBytesOf = (request: Uint8Array): number => readU16(request, 36) * 8;

/** Throws unless a complete header is there and its `len` is the number of bytes at hand. */
export function checkHeader(message: Uint8Array, header: Layout): void {
  if (message.length < header.size) {
    const missing = header.list.find(([, field]) => field.offset + field.size > message.length);
    if (missing !== undefined) {
      need(message, missing[1].offset, missing[1].size, header.name, missing[0]);
    }
  }
  const needed = lenOf(message);
  const available = message.length;
  if (needed === available) return;
  const place = { struct: header.name, field: 'len', offset: 0, needed, available };
  throw new ProtocolError(place, `says ${needed} bytes, the message has ${available}`);
}

/** A reply of a bare header: an error (negative errno), or the success of an empty reply. */
export function bareReply(unique: bigint, error: number): Uint8Array {
  return encode(OUT_HEADER, { len: OUT_HEADER_SIZE, error, unique });
}
