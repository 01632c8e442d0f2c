/**
 * Names of files and of extended attributes, paths, and the values of attributes. What a server or the
 * kernel reads a meaning in stays, or the redacted capture would not replay.
 */
import { StandIns } from './stand_ins.ts';

/** Kept as they are: the ways of libfuse, unionfs-fuse, mergerfs, go-fuse and overlays. */
const KEPT =
  /^(\.{1,2}|\.fuse_hidden[0-9a-f]+|\.unionfs|\.mergerfs|\.go-fuse-epoll-hack)$|^\.wh\.(\.wh\.)?\.opq$/;
/** Kept around a name: whiteouts of overlays, and of unionfs-fuse. */
const AROUND = /^(\.wh\.)?(.+?)(_HIDDEN~)?$/s;

const KEPT_XATTR =
  /^(security|system|(user|trusted)\.(overlay|fuseoverlayfs|containers|mergerfs))\b/;
/** Values with a structure that is checked when they are set, and flags; none of them holds a name. */
const KEPT_VALUE =
  /^(system\.posix_acl_\w+|security\.(selinux|capability|apparmor|SMACK64\w*)|.*\.(overlay|fuseoverlayfs)\.(opaque|impure|nlink|metacopy)|.*\.containers\.override_stat)$/;
const PATH_VALUE = /\.(overlay|fuseoverlayfs)\.(redirect|origin)$/;
const NAMESPACE = /^(user|trusted)\./;

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytesOf = (name: string): Uint8Array => Buffer.from(name, 'latin1');

export class Names {
  readonly #files = new StandIns();
  readonly #xattrs = new StandIns();

  /** Different names replaced so far. */
  get size(): number {
    return this.#files.size + this.#xattrs.size;
  }

  /** One component of a path, latin1. */
  fileText(name: string): string {
    if (KEPT.test(name)) return name;
    const [, before = '', middle = '', after = ''] = AROUND.exec(name) ?? [];
    return before + this.#files.of(middle) + after;
  }

  file(name: Uint8Array): Uint8Array {
    return bytesOf(this.fileText(text(name)));
  }

  /** A path of any kind, latin1: its slashes stay where they are. */
  pathText(path: string): string {
    return path
      .split('/')
      .map((name) => this.fileText(name))
      .join('/');
  }

  path(path: Uint8Array): Uint8Array {
    return bytesOf(this.pathText(text(path)));
  }

  xattr(name: Uint8Array): Uint8Array {
    const whole = text(name);
    if (KEPT_XATTR.test(whole)) return name;
    const namespace = NAMESPACE.exec(whole)?.[0] ?? '';
    return bytesOf(namespace + this.#xattrs.of(whole.slice(namespace.length)));
  }

  /** Names with a NUL after each, as LISTXATTR gives them. */
  xattrs(names: Uint8Array): Uint8Array {
    const list = text(names).split('\0');
    return bytesOf(list.map((name) => text(this.xattr(bytesOf(name)))).join('\0'));
  }

  /** The value of an attribute of that (original) name. */
  value(name: Uint8Array, value: Uint8Array): Uint8Array {
    const whole = text(name);
    if (KEPT_VALUE.test(whole)) return value;
    return PATH_VALUE.test(whole) ? this.path(value) : new Uint8Array(value.length).fill(0x78);
  }
}
