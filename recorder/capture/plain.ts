/**
 * Looks over MessagePack bytes before msgpackr decodes them. A checksum keeps accidents out, not
 * intent: five bytes can claim an array of 2^32 elements or nest deep enough to end the stack, and
 * extension types make other things than plain data. What passes here is one value, at most
 * `DEPTH_MAX` deep, of the types a capture writer writes, and no count in it exceeds its bytes.
 */

/** `begin` is the deepest: event, server, limits, pair. */
const DEPTH_MAX = 8;

const ARRAY16 = 0xdc;
const ARRAY32 = 0xdd;
const MAP16 = 0xde;
const MAP32 = 0xdf;
const STR8 = 0xd9;
const STR32 = 0xdb;

/** Bytes of value after the type byte, for types of fixed size: nil, bools, float64, integers. */
const FIXED = new Map<number, number>([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

interface Head {
  /** Bytes up to what follows: the next value, or the elements. */
  size: number;
  /** Values that follow inside this one. */
  elements: number;
}

const BAD: Head = { size: -1, elements: 0 };

/** Big-endian unsigned integer of `width` bytes; NaN past the end, which every comparison fails. */
function big(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; ++i) value = value * 256 + (bytes[at + i] ?? Number.NaN);
  return value;
}

function isString(type: number): boolean {
  return (type >= 0xa0 && type <= 0xbf) || (type >= STR8 && type <= STR32);
}

function head(bytes: Uint8Array, at: number): Head {
  const type = bytes[at] ?? 0xc1;
  if (type <= 0x7f || type >= 0xe0) return { size: 1, elements: 0 };
  if (type <= 0x8f) return { size: 1, elements: (type & 0x0f) * 2 };
  if (type <= 0x9f) return { size: 1, elements: type & 0x0f };
  if (type <= 0xbf) return { size: 1 + (type & 0x1f), elements: 0 };
  const fixed = FIXED.get(type);
  if (fixed !== undefined) return { size: 1 + fixed, elements: 0 };
  if (type >= STR8 && type <= STR32) {
    const width = 1 << (type - STR8);
    return { size: 1 + width + big(bytes, at + 1, width), elements: 0 };
  }
  if (type === ARRAY16 || type === ARRAY32) {
    const width = type === ARRAY16 ? 2 : 4;
    return { size: 1 + width, elements: big(bytes, at + 1, width) };
  }
  if (type === MAP16 || type === MAP32) {
    const width = type === MAP16 ? 2 : 4;
    return { size: 1 + width, elements: 2 * big(bytes, at + 1, width) };
  }
  return BAD;
}

const isMap = (type: number): boolean => (type & 0xf0) === 0x80 || type === MAP16 || type === MAP32;

/** True if `bytes` are exactly one plain MessagePack value. */
export function isPlain(bytes: Uint8Array): boolean {
  /** Values still to come at each depth, and whether they are a map's (whose keys are strings). */
  const left = [1];
  const inMap = [false];
  let at = 0;
  while (left.length > 0) {
    const depth = left.length - 1;
    const remaining = left[depth] ?? 0;
    if (remaining === 0) {
      left.pop();
      inMap.pop();
      continue;
    }
    const type = bytes[at] ?? 0xc1;
    if (inMap[depth] && remaining % 2 === 0 && !isString(type)) return false;
    const { size, elements } = head(bytes, at);
    at += size;
    if (!(size > 0 && at <= bytes.length && elements <= bytes.length - at)) return false;
    left[depth] = remaining - 1;
    if (elements > 0) {
      if (left.length === DEPTH_MAX) return false;
      left.push(elements);
      inMap.push(isMap(type));
    }
  }
  return at === bytes.length;
}
