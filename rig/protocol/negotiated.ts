/**
 * What INIT agreed on, as the kernel takes it (process_init_reply() and process_init_limits() in
 * fs/fuse/inode.c). Reading and building every later message takes this as an input.
 */

import { decode } from './codec.ts';
import {
  DEFAULT_CONGESTION_THRESHOLD,
  DEFAULT_MAX_BACKGROUND,
  DEFAULT_MAX_PAGES,
  DEFAULT_PAGE_LIMIT,
  IN_HEADER_SIZE,
  MIN_READ_BUFFER,
  NAME_MAX,
  NAME_MAX_LOW,
  OUT_HEADER_SIZE,
  PAGE_SIZE,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR,
  TIMEOUT_SCAN_S,
} from './constants.ts';
import { need, ProtocolError, readS32, readU32 } from './cursor.ts';
import { INIT_FLAG, type InitFlag, joinInitFlags } from './init-flags.ts';
import type { Values } from './layout.ts';
import { OP } from './opcodes.ts';
import { INIT_IN, INIT_OUT } from './structs-session.ts';

/** Sizes are bytes. */
export interface Negotiated {
  /** False when the kernel refuses: clients get ECONNREFUSED, no request follows, no second INIT. */
  readonly accepted: boolean;
  /** The server's minor; it decides over compat forms. */
  readonly minor: number;
  /** The kernel's own minor, from its request. */
  readonly kernelMinor: number;
  /** INIT bits of the reply that have an effect. */
  readonly flags: bigint;
  readonly maxReadahead: number;
  readonly maxWrite: number;
  /** Pages of 4096 bytes in one request. */
  readonly maxPages: number;
  readonly maxBackground: number;
  readonly congestionThreshold: number;
  /** Nanoseconds. */
  readonly timeGran: number;
  readonly mapAlignment: number;
  /** Longest name without its NUL. */
  readonly nameMax: number;
  /** 0 without PASSTHROUGH. */
  readonly maxStackDepth: number;
  /** Seconds after which an unanswered request aborts the connection; 0: never. */
  readonly requestTimeout: number;
  /** A read of the device with a smaller buffer fails with EINVAL. */
  readonly minReadBuffer: number;
}

/** What the mount and the host add to what the messages say. */
export interface InitOptions {
  /** sysctl fs.fuse.max_pages_limit when the connection was made (virtiofs: queue size - 4). */
  readonly pageLimit?: number;
  /** Mount option `default_permissions`. */
  readonly defaultPermissions?: boolean;
  /** Mount option `max_read`; it bounds readahead below minor 6. */
  readonly maxRead?: number;
  /** Cap of both background limits for a server without CAP_SYS_ADMIN. */
  readonly backgroundCap?: number;
  /** sysctls fs.fuse.default_request_timeout and max_request_timeout, seconds; 0 is off. */
  readonly defaultTimeout?: number;
  readonly maxTimeout?: number;
}

/** The state before the INIT reply: nothing but INIT is read or written in it. */
export const BEFORE_INIT: Negotiated = {
  accepted: false,
  minor: PROTOCOL_MINOR,
  kernelMinor: PROTOCOL_MINOR,
  flags: 0n,
  maxReadahead: 0,
  maxWrite: 0,
  maxPages: DEFAULT_MAX_PAGES,
  maxBackground: DEFAULT_MAX_BACKGROUND,
  congestionThreshold: DEFAULT_CONGESTION_THRESHOLD,
  timeGran: 1,
  mapAlignment: 0,
  nameMax: NAME_MAX_LOW,
  maxStackDepth: 0,
  requestTimeout: 0,
  minReadBuffer: MIN_READ_BUFFER,
};

export const has = (negotiated: Pick<Negotiated, 'flags'>, flag: InitFlag): boolean =>
  (negotiated.flags & INIT_FLAG[flag]) !== 0n;

type InitIn = Values<typeof INIT_IN>;
type InitOut = Values<typeof INIT_OUT>;

/** init_in of an INIT request's bytes; shorter forms of older kernels are zero-filled. */
export function initIn(request: Uint8Array): InitIn {
  const opcode = readU32(request, 4);
  if (opcode !== OP.INIT.opcode) {
    const place = { struct: 'in_header', field: 'opcode', offset: 4 };
    const problem = `${opcode} is not INIT`;
    throw new ProtocolError({ ...place, needed: OP.INIT.opcode, available: opcode }, problem);
  }
  need(request, 0, IN_HEADER_SIZE, 'in_header');
  return decode(INIT_IN, request, IN_HEADER_SIZE, request.length - IN_HEADER_SIZE);
}

/** init_out of an INIT reply's bytes; shorter forms of older servers are zero-filled. */
export function initOut(reply: Uint8Array): InitOut {
  need(reply, 0, OUT_HEADER_SIZE, 'out_header');
  return decode(INIT_OUT, reply, OUT_HEADER_SIZE, reply.length - OUT_HEADER_SIZE);
}

/** The reply's bits as far as they have an effect with this minor, request and mount. */
function effectiveFlags(out: InitOut, offered: bigint): bigint {
  if (out.minor < 6) return 0n;
  let flags = joinInitFlags(out.flags, out.flags2);
  const on = (flag: InitFlag) => (flags & INIT_FLAG[flag]) !== 0n;
  const drop = (flag: InitFlag) => {
    flags &= ~INIT_FLAG[flag];
  };
  if (out.minor < 9) drop('EXPORT_SUPPORT');
  if (out.minor < 17) {
    drop('FLOCK_LOCKS');
    if (on('POSIX_LOCKS')) flags |= INIT_FLAG.FLOCK_LOCKS;
  }
  if (!on('DO_READDIRPLUS')) drop('READDIRPLUS_AUTO');
  if (on('AUTO_INVAL_DATA')) drop('EXPLICIT_INVAL_DATA');
  const depth = out.max_stack_depth;
  if (on('WRITEBACK_CACHE') || depth < 1 || depth > 2) drop('PASSTHROUGH');
  // A kernel without enable_uring neither offers the ring nor looks at the bit.
  if ((offered & INIT_FLAG.OVER_IO_URING) === 0n) drop('OVER_IO_URING');
  return flags;
}

function timeout(out: InitOut, flags: bigint, options: InitOptions): number {
  const asked = has({ flags }, 'REQUEST_TIMEOUT') ? out.request_timeout : 0;
  const most = options.maxTimeout ?? 0;
  const wanted = asked || (options.defaultTimeout ?? 0) || most;
  if (wanted === 0) return 0;
  return Math.max(most === 0 ? wanted : Math.min(wanted, most), TIMEOUT_SCAN_S);
}

const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(value, high));

/** The smallest buffer a read of the device may bring once max_write is known. */
export const readBufferFor = (maxWrite: number): number =>
  Math.max(MIN_READ_BUFFER, IN_HEADER_SIZE + 40 + maxWrite);

/**
 * What the kernel makes of an INIT exchange. Never fails on what the *server* wrote: an error, a
 * wrong major or a wrong length is a refusal. Throws ProtocolError when the request is no INIT, or
 * the reply has no complete header.
 */
export function negotiate(
  request: Uint8Array,
  reply: Uint8Array,
  options: InitOptions = {},
): Negotiated {
  const asked = initIn(request);
  const refused = { ...BEFORE_INIT, kernelMinor: asked.minor };
  const out = initOut(reply);
  const body = reply.length - OUT_HEADER_SIZE;
  if (readS32(reply, 4) !== 0 || body > INIT_OUT.size) return refused;
  if (out.major !== PROTOCOL_MAJOR) return refused;

  const { minor } = out;
  const flags = effectiveFlags(out, joinInitFlags(asked.flags, asked.flags2));
  const permissions = options.defaultPermissions || has({ flags }, 'POSIX_ACL');
  if (has({ flags }, 'ALLOW_IDMAP') && !permissions) return { ...refused, minor };

  const manyPages = has({ flags }, 'MAX_PAGES');
  const maxPages = manyPages
    ? clamp(out.max_pages, 1, options.pageLimit ?? DEFAULT_PAGE_LIMIT)
    : DEFAULT_MAX_PAGES;
  const readahead = minor < 6 ? (options.maxRead ?? 2 ** 32 - 1) : out.max_readahead;
  const maxWrite = minor < 5 ? PAGE_SIZE : Math.max(PAGE_SIZE, out.max_write);
  const cap = options.backgroundCap ?? Number.POSITIVE_INFINITY;
  const limit = (value: number, kept: number) =>
    minor < 13 || value === 0 ? kept : Math.min(value, cap);
  return {
    accepted: true,
    minor,
    kernelMinor: asked.minor,
    flags,
    maxReadahead: Math.min(asked.max_readahead, Math.floor(readahead / PAGE_SIZE) * PAGE_SIZE),
    maxWrite,
    maxPages,
    maxBackground: limit(out.max_background, DEFAULT_MAX_BACKGROUND),
    congestionThreshold: limit(out.congestion_threshold, DEFAULT_CONGESTION_THRESHOLD),
    timeGran: out.time_gran >= 1 && out.time_gran <= 1e9 ? out.time_gran : 1,
    mapAlignment: has({ flags }, 'MAP_ALIGNMENT') ? out.map_alignment : 0,
    nameMax: manyPages && maxPages > 1 ? NAME_MAX : NAME_MAX_LOW,
    maxStackDepth: has({ flags }, 'PASSTHROUGH') ? out.max_stack_depth : 0,
    requestTimeout: timeout(out, flags, options),
    minReadBuffer: readBufferFor(maxWrite),
  };
}

/** Most data bytes of one direct WRITE or of a NOTIFY_REPLY. */
export const maxWriteData = (n: Negotiated): number => Math.min(n.maxWrite, n.maxPages * PAGE_SIZE);

/** Smallest payload buffer of a ring entry (fuse_uring_create). */
export const ringPayloadSize = (n: Negotiated): number =>
  Math.max(MIN_READ_BUFFER, n.maxWrite, n.maxPages * PAGE_SIZE);
