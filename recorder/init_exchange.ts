/**
 * INIT as it passes through the relay, on a connection or several: what was agreed decides how a
 * ring's entries are measured.
 */
import { readFileSync } from 'node:fs';
import type { ConnId } from '../rig/kernel/kernel.ts';
import { opcodeOf, uniqueOf } from '../rig/protocol/header.ts';
import { type Negotiated, negotiate } from '../rig/protocol/negotiated.ts';
import { OP } from '../rig/protocol/opcodes.ts';

/** fuse_in_header and fuse_init_in. */
const INIT_LENGTH = 104;

/** sysctl fs.fuse.max_pages_limit; undefined where the kernel has none. */
function pageLimit(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/fs/fuse/max_pages_limit', 'utf8'));
  } catch {
    return undefined;
  }
}

interface Asked {
  request: Uint8Array;
  pageLimit: number | undefined;
}

export class InitExchange {
  /** Not answered yet. */
  readonly #asked = new Map<ConnId, Asked>();
  readonly #agreed = new Map<ConnId, Negotiated>();

  /** A message read from the device: `length` bytes, or an error. */
  read(conn: ConnId, message: Uint8Array, length: number): void {
    if (length !== INIT_LENGTH || opcodeOf(message) !== OP.INIT.opcode) return;
    this.#asked.set(conn, { request: message.slice(0, length), pageLimit: pageLimit() });
  }

  /** A message that the device took. */
  written(conn: ConnId, message: Uint8Array): void {
    const asked = this.#asked.size > 0 ? this.#asked.get(conn) : undefined;
    if (asked === undefined || uniqueOf(message) !== uniqueOf(asked.request)) return;
    this.#asked.delete(conn);
    // Whether the mount has default_permissions decides over ALLOW_IDMAP, and over no size.
    const options = { defaultPermissions: true };
    const limit = asked.pageLimit === undefined ? {} : { pageLimit: asked.pageLimit };
    this.#agreed.set(conn, negotiate(asked.request, message, { ...options, ...limit }));
  }

  /** What was agreed; undefined until INIT was answered. */
  of(conn: ConnId): Negotiated | undefined {
    return this.#agreed.get(conn);
  }

  forget(conn: ConnId): void {
    this.#asked.delete(conn);
    this.#agreed.delete(conn);
  }
}
