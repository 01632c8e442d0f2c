/** What operations of clients are written in: the requests they make, and what they see of the mount. */
import { createHash } from 'node:crypto';
import type { Outcome } from '../../../rig/kernel/feed.ts';
import { decode } from '../../../rig/protocol/codec.ts';
import { errnoName } from '../../../rig/protocol/errno.ts';
import type { InitFlag } from '../../../rig/protocol/init-flags.ts';
import type { OpName } from '../../../rig/protocol/opcodes.ts';
import type { Args } from '../../../rig/protocol/parts.ts';
import { ENTRY_OUT } from '../../../rig/protocol/structs-common.ts';

/** One request that an operation makes. */
export interface Ask {
  readonly op: OpName;
  readonly nodeid: bigint;
  readonly args?: Args;
  /** Nobody waits for its answer. */
  readonly leave?: true;
  /** Its success takes the entry of this name out of the node. */
  readonly removes?: string;
}

/** An open file of a client. */
export interface OpenFile {
  readonly nodeid: bigint;
  readonly fh: bigint;
  /** open(2) flags as a request of the file carries them. */
  readonly flags: number;
  readonly directory: boolean;
  /** The name poll(2) of it goes by. */
  readonly kh: bigint;
  /** OPEN was answered ENOSYS: nothing is told to the server of its end. */
  readonly untold: boolean;
  /** It was locked with flock(2). */
  flocked: boolean;
}

/** What a client has and sees. */
export interface View {
  readonly slots: Map<string, OpenFile>;
  /** The next file's, from 1. */
  nextKh(): bigint;
  /** ENOSYS to this operation is remembered. */
  latched(op: OpName): boolean;
  has(flag: InitFlag): boolean;
  /** The mount is of a block device. */
  readonly block: boolean;
  /** Minor that INIT agreed on. */
  readonly minor: number;
  /** Bytes of a name at most. */
  readonly nameMax: number;
  /** Bytes of one READ and of one WRITE at most. */
  readonly readMax: number;
  readonly writeMax: number;
}

export type Work = Generator<Ask, string, Outcome>;
export type Part<T> = Generator<Ask, T, Outcome>;
export type Operation = (view: View, words: readonly string[]) => Work;
export type Operations = Readonly<Record<string, Operation>>;

export const ROOT = 1n;
export const O_LARGEFILE = 0o100000;
export const UMASK = 0o22;
export const S_IFMT = 0o170000;
export const S_IFDIR = 0o040000;
export const S_IFREG = 0o100000;
export const ENOSYS = -38;
/** Digits of Sha256::Short(). */
const DIGEST = 16;

/** `m/f` is the file `f` of the mount. */
export const nameOf = (path = ''): string => path.replace(/^m2?\//, '');
/** The errno's name, or its number as native/clients says it. */
export const failed = ({ error }: { error: number }): string =>
  errnoName(error).replace(/^(?=\d)/, 'errno ');
export const ended = (outcome: Outcome, text = '0'): string =>
  outcome.error === 0 ? text : failed(outcome);
export const number = (text = '0'): number =>
  Number(text.replace(/[KM]$/, '')) *
  (text.endsWith('K') ? 1024 : text.endsWith('M') ? 1 << 20 : 1);

/** `A|B` by a table; a part that is no name is a number. */
export const flagsOf = (table: Readonly<Record<string, number>>, text: string): number =>
  text.split('|').reduce((bits, part) => bits | (table[part] ?? Number(part)), 0);

export type EntryOut = ReturnType<typeof entryOf>;
/** fuse_entry_out, which ends earlier where the minor is below 9. */
export const entryOf = ({ body }: { body: Uint8Array }) =>
  decode(ENTRY_OUT, Buffer.concat([body, new Uint8Array(ENTRY_OUT.size)]));

/** LOOKUP of a name in the root; a name that is too long is never asked for. */
export function* lookup(view: View, path: string | undefined): Part<Outcome> {
  const name = nameOf(path);
  if (name.length > view.nameMax) return { error: -36, body: new Uint8Array(0), replied: false };
  return yield { op: 'LOOKUP', nodeid: ROOT, args: { name } };
}

/** The entry of a name that is there, or how looking for it ended. */
export function* found(view: View, path: string | undefined): Part<EntryOut | string> {
  const outcome = yield* lookup(view, path);
  if (outcome.error !== 0) return failed(outcome);
  const entry = entryOf(outcome);
  return entry.nodeid === 0n ? 'ENOENT' : entry;
}

/** As native/clients shows a stat. */
export function shown({ attr }: EntryOut): string {
  const head = `${attr.mode.toString(8).padStart(6, '0')} ${attr.uid}:${attr.gid}`;
  if ((attr.mode & S_IFMT) === S_IFDIR) return head;
  return `${head} size ${attr.size} links ${attr.nlink}`;
}

/** As native/clients shows what it has read. */
export function readAs(bytes: Uint8Array): string {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, DIGEST);
  return bytes.length === 0 ? '0' : `${bytes.length} ${digest}`;
}

/** Before contents or owner change, the kernel asks for capabilities that would have to go. */
export function* capabilities(view: View, nodeid: bigint): Part<void> {
  if (view.latched('GETXATTR')) return;
  yield { op: 'GETXATTR', nodeid, args: { size: 0, name: 'security.capability' } };
}
