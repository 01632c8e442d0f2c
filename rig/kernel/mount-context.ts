/**
 * A file system context of type "fuse": fsopen(2), fsconfig(2), fsmount(2) up to the superblock
 * (fs/fsopen.c, fs/fs_context.c, fuse_parse_param() in fs/fuse/inode.c). Which device `fd` names is
 * looked up only by CREATE.
 */
import { ERRNO } from '../protocol/errno.ts';
import { type MountOptions, noOptions, parseUint, takeOption } from './mount-options.ts';

/** enum fs_context_phase, as far as a caller can tell. */
type Phase = 'create' | 'await-mount' | 'reconfigure' | 'failed';

export class MountContext {
  /** Without a subtype: only a parameter names that. */
  readonly fstype: string;
  /** What CREATE shall mount with; `fd` is apart. */
  readonly parameters: string[] = [];
  source = '';
  /** Descriptor number of the device; undefined until it is named. */
  fd: number | undefined;
  #phase: Phase = 'create';
  readonly #options: MountOptions;

  constructor(fstype: string) {
    this.fstype = fstype.replace(/\..*/, '');
    this.#options = noOptions(this.fstype === 'fuseblk');
  }

  /** SET_STRING, or SET_FLAG with `value` undefined: 0 or a negative errno. */
  set(key: string, value: string | undefined): number {
    if (this.#phase === 'reconfigure') return -ERRNO.EINVAL;
    if (this.#phase !== 'create') return -ERRNO.EBUSY;
    if (key === 'fd') {
      const fd = value === undefined ? undefined : parseUint(value);
      if (fd === undefined) return -ERRNO.EINVAL;
      this.fd = fd;
      return 0;
    }
    if (!takeOption(this.#options, key, value)) return -ERRNO.EINVAL;
    if (key === 'source') this.source = value ?? '';
    else this.parameters.push(value === undefined ? key : `${key}=${value}`);
    return 0;
  }

  /** Whether CREATE is possible: 0 or a negative errno. */
  get createError(): number {
    return this.#phase === 'create' ? 0 : -ERRNO.EBUSY;
  }

  /** CREATE has come to this. */
  created(result: number): void {
    this.#phase = result === 0 ? 'await-mount' : 'failed';
  }

  /** CMD_RECONFIGURE without parameters. */
  reconfigure(): number {
    return this.#phase === 'reconfigure' ? 0 : -ERRNO.EBUSY;
  }

  /** fsmount(2): 0 or a negative errno. */
  mount(): number {
    if (this.#phase !== 'await-mount') return -ERRNO.EINVAL;
    this.#phase = 'reconfigure';
    return 0;
  }
}
