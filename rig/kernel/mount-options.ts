/**
 * The options of a mount of type "fuse" or "fuseblk": what is accepted, what must be there
 * (fuse_fs_parameters, fuse_parse_param() and fuse_fill_super() in fs/fuse/inode.c). Every misfit
 * is EINVAL.
 */
import { PAGE_SIZE } from '../protocol/constants.ts';

export interface MountOptions {
  /** "fuseblk": a block device is the source, DESTROY is sent at the end. */
  readonly isBdev: boolean;
  readonly source: string | undefined;
  readonly subtype: string | undefined;
  readonly rootmode: number | undefined;
  readonly userId: number | undefined;
  readonly groupId: number | undefined;
  readonly defaultPermissions: boolean;
  readonly allowOther: boolean;
  /** Bytes, at least a page; undefined: no limit. */
  readonly maxRead: number | undefined;
  readonly blksize: number | undefined;
  /** SB_MANDLOCK was asked for, which no FUSE mount gets. */
  readonly mandlock: boolean;
}

type Draft = { -readonly [K in keyof MountOptions]: MountOptions[K] };

const UINT_MAX = 2 ** 32 - 1;

/** kstrtouint(): decimal, or for base 0 also 0x and octal; undefined where it fails. */
export function parseUint(text: string, base: 0 | 8 | 10 = 0): number | undefined {
  const digits = text.replace(/^\+/, '').replace(/\n$/, '');
  let radix: 8 | 10 | 16 = base === 0 ? 10 : base;
  let rest = digits;
  if (base === 0 && /^0x[0-9a-f]/i.test(digits)) {
    radix = 16;
    rest = digits.slice(2);
  } else if (base === 0 && /^0./.test(digits)) radix = 8;
  const shape = { 8: /^[0-7]+$/, 10: /^[0-9]+$/, 16: /^[0-9a-f]+$/i }[radix];
  if (!shape?.test(rest)) return undefined;
  const value = Number.parseInt(rest, radix);
  return value <= UINT_MAX ? value : undefined;
}

/** fuse_valid_type(): FIFO, CHR, DIR, BLK, REG, LNK, SOCK. */
const TYPES = new Set([0o01, 0o02, 0o04, 0o06, 0o10, 0o12, 0o14].map((type) => type << 12));
const S_IFMT = 0o170000;

/** Takes one option into the draft; false where the kernel refuses it. */
type Take = (draft: Draft, value: string | undefined) => boolean;

const number =
  (set: (draft: Draft, value: number) => boolean, base: 0 | 8 = 0): Take =>
  (draft, text) => {
    const value = text === undefined ? undefined : parseUint(text, base);
    return value !== undefined && set(draft, value);
  };

/** make_kuid(): -1 is no id. */
const id = (key: 'userId' | 'groupId'): Take =>
  number((draft, value) => {
    draft[key] = value;
    return value !== UINT_MAX;
  });

const flag =
  (key: 'defaultPermissions' | 'allowOther'): Take =>
  (draft, value) => {
    draft[key] = true;
    return value === undefined;
  };

const once =
  (key: 'source' | 'subtype'): Take =>
  (draft, value) => {
    if (!value || draft[key] !== undefined) return false;
    draft[key] = value;
    return true;
  };

const OPTIONS: Readonly<Record<string, Take>> = {
  source: once('source'),
  subtype: once('subtype'),
  rootmode: number((draft, value) => {
    draft.rootmode = value;
    return TYPES.has(value & S_IFMT);
  }, 8),
  user_id: id('userId'),
  group_id: id('groupId'),
  default_permissions: flag('defaultPermissions'),
  allow_other: flag('allowOther'),
  max_read: number((draft, value) => {
    draft.maxRead = Math.max(PAGE_SIZE, value);
    return true;
  }),
  blksize: number((draft, value) => {
    draft.blksize = value;
    return draft.isBdev;
  }),
};

/**
 * Options of every file system, taken before the file system sees them and whatever their value is
 * (vfs_parse_sb_flag()).
 */
const GENERIC = new Set('dirsync lazytime ro sync async nolazytime nomand rw mand'.split(' '));

/** Nothing is asked for yet. */
export function noOptions(isBdev: boolean): MountOptions {
  return {
    isBdev,
    source: undefined,
    subtype: undefined,
    rootmode: undefined,
    userId: undefined,
    groupId: undefined,
    defaultPermissions: false,
    allowOther: false,
    maxRead: undefined,
    blksize: undefined,
    mandlock: false,
  };
}

/** Takes one more option (vfs_parse_fs_param()); false where the kernel refuses it. */
export function takeOption(draft: MountOptions, key: string, value: string | undefined): boolean {
  const into: Draft = draft;
  if (key.endsWith('mand')) into.mandlock = key === 'mand';
  if (GENERIC.has(key)) return true;
  const take = Object.hasOwn(OPTIONS, key) ? OPTIONS[key] : undefined;
  return take?.(into, value) === true;
}

/** The options of a mount(2), or undefined where one of them is not acceptable. */
export function parseMountOptions(
  fstype: string,
  source: string,
  data: string,
): MountOptions | undefined {
  const [type = '', ...rest] = fstype.split('.');
  const draft: MountOptions = {
    ...noOptions(type === 'fuseblk'),
    source: source === '' ? undefined : source,
    subtype: fstype.includes('.') ? rest.join('.') : undefined,
  };
  if (draft.subtype === '') return undefined;
  for (const option of data.split(',')) {
    const at = option.indexOf('=');
    if (option === '' || at === 0) continue;
    const key = at < 0 ? option : option.slice(0, at);
    const value = at < 0 ? undefined : option.slice(at + 1);
    if (!takeOption(draft, key, value)) return undefined;
  }
  return draft;
}

/** True if a new superblock can be made with these: what has no default is there. */
export function hasMandatory({ rootmode, userId, groupId }: MountOptions): boolean {
  return rootmode !== undefined && userId !== undefined && groupId !== undefined;
}

/** What mountinfo shows of a superblock (fuse_show_options()). */
export function showMountOptions(options: MountOptions): string {
  const { userId, groupId, defaultPermissions, allowOther, maxRead } = options;
  const shown = [`user_id=${userId ?? 0}`, `group_id=${groupId ?? 0}`];
  if (defaultPermissions) shown.push('default_permissions');
  if (allowOther) shown.push('allow_other');
  if (maxRead !== undefined && maxRead !== UINT_MAX) shown.push(`max_read=${maxRead}`);
  // A page, whatever `blksize` asked for (seen at 6.18.44).
  if (options.isBdev) shown.push(`blksize=${PAGE_SIZE}`);
  return shown.join(',');
}
