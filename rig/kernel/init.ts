/**
 * INIT: the request the kernel sends first, and what it makes of the reply (fuse_new_init() and
 * process_init_reply() in fs/fuse/inode.c).
 */

import { encode } from '../protocol/codec.ts';
import {
  IN_HEADER_SIZE,
  OUT_HEADER_SIZE,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR,
} from '../protocol/constants.ts';
import { concat } from '../protocol/cursor.ts';
import { INIT_FLAG, type InitFlag, splitInitFlags } from '../protocol/init-flags.ts';
import { type InitOptions, type Negotiated, negotiate } from '../protocol/negotiated.ts';
import { OP } from '../protocol/opcodes.ts';
import { OUT_HEADER } from '../protocol/structs-common.ts';
import { INIT_IN, INIT_OUT } from '../protocol/structs-session.ts';
import type { Connection } from './connection.ts';
import type { Outcome } from './feed.ts';
import { writeInHeader } from './in-header.ts';
import { FuseReq } from './request.ts';
import type { VersionName } from './versions.ts';

/** What the kernel offers in INIT. */
export interface InitOffer {
  readonly minor: number;
  /** Bytes. */
  readonly maxReadahead: number;
  /** Both words; INIT_EXT is set where the second one is needed. */
  readonly flags: bigint;
  /** Pages in one request, in the place of the host's limit (fs.fuse.max_pages_limit). */
  readonly pageLimit?: number;
}

/** Limits of the host that a reply is held against. */
export type HostLimits = Omit<InitOptions, 'defaultPermissions' | 'maxRead'>;

/** Never sent for type "fuse": out of use, or for DAX, virtiofs and later kernels. */
const NOT_OFFERED: readonly InitFlag[] = [
  'FILE_OPS',
  'MAP_ALIGNMENT',
  'SUBMOUNTS',
  'INIT_RESERVED',
  'HAS_INODE_DAX',
  'OVER_IO_URING',
  'HAS_IO_URING_BUFPOOL',
];

/** What Linux 6.18 offers a mount of type "fuse" without enable_uring. */
export const DEFAULT_OFFER: InitOffer = {
  minor: PROTOCOL_MINOR,
  maxReadahead: 128 * 1024,
  flags: Object.entries(INIT_FLAG)
    .filter(([name]) => !NOT_OFFERED.includes(name as InitFlag))
    .reduce((mask, [, bit]) => mask | bit, 0n),
};

/** The same with enable_uring. */
export const RING_OFFER: InitOffer = {
  ...DEFAULT_OFFER,
  flags: DEFAULT_OFFER.flags | INIT_FLAG.OVER_IO_URING,
};

/** What a release offers a mount of type "fuse" (VERSIONS), with enable_uring or without. */
export function offerOf(version: VersionName, ring: boolean): InitOffer {
  const offer = ring ? RING_OFFER : DEFAULT_OFFER;
  if (version !== '7.3') return offer;
  // Seen at Debian's 7.3.4, which has DAX.
  const more = INIT_FLAG.HAS_INODE_DAX | (ring ? INIT_FLAG.HAS_IO_URING_BUFPOOL : 0n);
  return { ...offer, minor: 46, flags: offer.flags | more };
}

/** First minor with `flags2`: before it init_in ends after `flags`. */
const EXT_MINOR = 36;
const INIT_IN_SHORT = 16;

/** The INIT request of a connection: in the foreground for a SYNC_INIT mount, else background. */
function initRequest(
  offer: InitOffer,
  foreground: boolean,
  pid: number,
  own: (outcome: Outcome) => void,
): FuseReq {
  const { minor, maxReadahead } = offer;
  const long = minor >= EXT_MINOR;
  const words = long ? splitInitFlags(offer.flags) : { flags: Number(offer.flags & 0xffffffffn) };
  const fields = { major: PROTOCOL_MAJOR, minor, max_readahead: maxReadahead, ...words };
  const body = encode(INIT_IN, fields, long ? INIT_IN.size : INIT_IN_SHORT);
  const head = { nodeid: 0n, uid: 0, gid: 0, pid, extlen: 0 };
  const { opcode } = OP.INIT;
  return new FuseReq(0, { ...head, opcode, body, force: true, background: !foreground }, own);
}

/**
 * What a connection takes from the end of its INIT. A reply that is refused only for ALLOW_IDMAP
 * without permission checks still leaves its sizes behind: reads of the device need them.
 */
function takeInit(request: FuseReq, outcome: Outcome, options: InitOptions): Negotiated {
  const { unique, spec } = request;
  const asked = new Uint8Array(IN_HEADER_SIZE + spec.body.length);
  writeInHeader(asked, unique, spec.body.length, spec);
  asked.set(spec.body, IN_HEADER_SIZE);
  const { error, body } = outcome;
  const len = OUT_HEADER_SIZE + body.length;
  const header = encode(OUT_HEADER, { len, error, unique: BigInt(unique) });
  const reply = concat([header, body]);
  const negotiated = negotiate(asked, reply, options);
  if (negotiated.accepted) return negotiated;
  const permitted = negotiate(asked, reply, { ...options, defaultPermissions: true });
  return { ...permitted, accepted: false };
}

/** init_out as taken, zero-filled to its full size: a copy that outlives the reply. */
function initOutOf(body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(INIT_OUT.size);
  whole.set(body.subarray(0, INIT_OUT.size));
  return whole;
}

/**
 * Sends INIT (fuse_send_init()) and takes its end. `done` makes it a SYNC_INIT one: it is sent in
 * the foreground, and `done` is called when it has ended. `mounter` is the thread that mounts.
 */
export function sendInit(
  conn: Connection,
  offer: InitOffer,
  host: HostLimits,
  done: (() => void) | undefined,
  mounter = 0,
): void {
  const { defaultPermissions, maxRead } = conn.options;
  const limit = offer.pageLimit === undefined ? {} : { pageLimit: offer.pageLimit };
  const options = {
    ...host,
    ...limit,
    defaultPermissions,
    ...(maxRead === undefined ? {} : { maxRead }),
  };
  const pid = conn.switches.backgroundNamesCaller ? mounter : 0;
  const req = initRequest(offer, done !== undefined, pid, (outcome) => {
    conn.initialize(takeInit(req, outcome, options), initOutOf(outcome.body));
    done?.();
  });
  conn.enqueue(req);
}
