/**
 * A good answer to every request, the same in every probe: `f` and what else is looked up is a file,
 * except that names which begin with `d` are directories and with `n` are not there.
 */

import { encodeReply } from '../../rig/protocol/build.ts';
import { type InitFlag, initMask, splitInitFlags } from '../../rig/protocol/init-flags.ts';
import type { Request } from '../../rig/protocol/message.ts';
import type { Args } from '../../rig/protocol/parts.ts';

/** INIT's answer. */
export interface Negotiation {
  init?: object;
  flags?: readonly InitFlag[];
}

/** Seconds that attributes are valid: nobody asks for them. */
const VALID = 1n << 30n;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const OPEN_DIRECT_IO = 1;

const attr = (ino: bigint, mode: number, size = 0n): Args => ({
  ino,
  mode,
  size,
  nlink: 1,
  blksize: 4096,
});

/** Nodes are numbered by their names' first letters, so that every probe has the same. */
export const nodeOf = (name: string): bigint => 2n + BigInt(name.charCodeAt(0) - 'a'.charCodeAt(0));

export const modeOf = (name: string): number => {
  if (name.startsWith('d')) return S_IFDIR | 0o755;
  return name.startsWith('l') ? S_IFLNK | 0o777 : S_IFREG | 0o644;
};

function entry(name: string, mode = modeOf(name)): Args {
  const nodeid = nodeOf(name);
  return {
    nodeid,
    generation: 1n,
    entry_valid: 0n,
    attr_valid: VALID,
    attr: attr(nodeid, mode, 5n),
  };
}

const text = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString();

function answer(request: Request, negotiation: Negotiation): Args {
  const { name } = request;
  if (name === 'INIT') {
    const words = splitInitFlags(initMask([...(negotiation.flags ?? [])]));
    return { major: 7, minor: 45, max_write: 65536, time_gran: 1, ...words, ...negotiation.init };
  }
  if (name === 'LOOKUP') return entry(text(request.args.name));
  if (name === 'MKDIR') return entry(text(request.args.name), S_IFDIR | 0o755);
  if (name === 'SYMLINK') return entry(text(request.args.name), S_IFLNK | 0o777);
  if (name === 'MKNOD') return entry(text(request.args.name), Number(request.args.mode));
  if (name === 'LINK') return entry(text(request.args.newname));
  if (name === 'CREATE' || name === 'TMPFILE') {
    return {
      ...entry(text(request.args.name), S_IFREG | 0o644),
      fh: 7n,
      open_flags: OPEN_DIRECT_IO,
    };
  }
  if (name === 'GETATTR' || name === 'SETATTR') {
    const mode = request.nodeid === 1n ? S_IFDIR | 0o755 : S_IFREG | 0o644;
    return { attr_valid: VALID, attr: attr(request.nodeid, mode, 5n) };
  }
  if (name === 'OPEN') return { fh: 7n, open_flags: OPEN_DIRECT_IO };
  if (name === 'OPENDIR') return { fh: 8n };
  if (name === 'READ') return { data: new Uint8Array(request.field('size')).fill(0x61) };
  if (name === 'WRITE') return { size: request.field('size') };
  return {};
}

/** The body of a successful reply. */
export function goodReply(request: Request, negotiation: Negotiation = {}): Uint8Array {
  return encodeReply(request, answer(request, negotiation)).subarray(16);
}
