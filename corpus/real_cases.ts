/** The cases of real traffic, one row each: which server, what clients do, and what it stands for. */
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bindfs } from './servers/bindfs.ts';
import { fuseOverlayfs } from './servers/fuse_overlayfs.ts';
import { gocryptfs, initCipher } from './servers/gocryptfs.ts';
import { libfuseMemfs } from './servers/libfuse_memfs_ll.ts';
import { libfusePassthroughHp } from './servers/libfuse_passthrough_hp.ts';
import { mergerfs } from './servers/mergerfs.ts';
import { rclone } from './servers/rclone.ts';
import type { Recipe } from './servers/recipe.ts';
import { referenceMemory, referencePassthrough } from './servers/reference.ts';
import { referenceRingMemory, referenceRingPassthrough } from './servers/reference_ring.ts';
import { squashfuse } from './servers/squashfuse.ts';
import { sshfs } from './servers/sshfs.ts';
import { unionfsFuse } from './servers/unionfs_fuse.ts';

export interface RealCase {
  name: string;
  recipe: Recipe;
  /** Name of the recipe's variant; the plain one if absent. */
  variant?: string;
  /** Workloads, in their small size: such as an ordinary user's server does as well as root's. */
  work: readonly string[];
  about: string;
  /** `all`: names and contents, too; the data are made up, so elsewhere only the machine's own. */
  redact?: 'all';
  /** Programs that the server needs in a replay, beside itself. */
  needs?: readonly string[];
  /** In place of the recipe's own: fills the empty directory `fixture` with less. */
  prepare?(fixture: string): Promise<void>;
}

/** Nothing to begin with: what is not there need not be restored. */
const empty = async (fixture: string): Promise<void> => mkdirSync(join(fixture, 'src'));

const brief = (name: string, recipe: Recipe, over: Partial<RealCase> = {}): RealCase => ({
  name: `${name}-brief`,
  recipe,
  work: ['brief'],
  about: `${name}, a little of everything in some thirty requests: for what is run thousands of times.`,
  prepare: empty,
  ...over,
});

export const REAL_CASES: readonly RealCase[] = [
  {
    name: 'reference-memory',
    recipe: referenceMemory,
    work: ['calls', 'renames', 'unlinked', 'xattrs', 'locks'],
    about:
      'The reference server, files in memory: rare calls, rename storms, locks that are waited for.',
  },
  {
    name: 'reference-passthrough',
    recipe: referencePassthrough,
    variant: 'threads',
    work: ['glance', 'renames', 'unlinked'],
    about: 'The reference server, a directory mirrored by four threads.',
  },
  {
    name: 'reference-memory-ring',
    recipe: referenceRingMemory,
    work: ['renames', 'unlinked', 'xattrs'],
    about: 'The reference server over FUSE over io_uring, files in memory.',
  },
  {
    name: 'reference-passthrough-ring',
    recipe: referenceRingPassthrough,
    work: ['glance', 'renames', 'unlinked'],
    about: 'The reference server over FUSE over io_uring, a directory mirrored.',
  },
  {
    name: 'bindfs',
    recipe: bindfs,
    work: ['glance', 'renames', 'unlinked'],
    redact: 'all',
    about:
      'bindfs (libfuse 2.9, high-level) mirrors a directory. Redacted in full: names and contents, too.',
  },
  {
    name: 'fuse-overlayfs',
    recipe: fuseOverlayfs,
    work: ['glance', 'renames', 'unlinked'],
    about:
      'fuse-overlayfs (libfuse 3, low-level): copies up what is changed, and splices contents.',
  },
  {
    name: 'squashfuse',
    recipe: squashfuse,
    work: ['glance'],
    about: 'squashfuse (libfuse 3): a read-only image as fixture.',
  },
  {
    name: 'sshfs',
    recipe: sshfs,
    work: ['glance', 'renames', 'unlinked'],
    needs: ['/usr/lib/openssh/sftp-server'],
    about: 'sshfs (libfuse 3, threads) with a local sftp-server as a process of its own.',
  },
  {
    name: 'gocryptfs',
    recipe: gocryptfs,
    work: ['glance', 'renames', 'unlinked'],
    about: 'gocryptfs (Go, go-fuse): cipher text as fixture; mounts through fusermount.',
  },
  {
    name: 'unionfs-fuse',
    recipe: unionfsFuse,
    work: ['glance', 'renames', 'unlinked'],
    about: 'unionfs-fuse (libfuse 2.9, threads): a writable branch over a read-only one.',
  },
  {
    name: 'mergerfs',
    recipe: mergerfs,
    work: ['glance', 'renames', 'unlinked'],
    about: 'mergerfs (a libfuse of its own, threads): two branches, the first takes new files.',
  },
  {
    name: 'rclone',
    recipe: rclone,
    work: ['glance', 'renames', 'unlinked'],
    about:
      'rclone mount (Go, bazil.org/fuse) with a local backend; one request at a time, since it writes ' +
      'files back while the next request runs.',
  },
  {
    name: 'libfuse-passthrough_hp-ring',
    recipe: libfusePassthroughHp,
    work: ['glance', 'renames', 'unlinked'],
    about: "libfuse's passthrough_hp (low-level, threads) over FUSE over io_uring.",
  },
  {
    name: 'libfuse-memfs_ll-ring',
    recipe: libfuseMemfs,
    work: ['renames', 'unlinked', 'mmap'],
    about: "libfuse's memfs_ll (low-level, files in memory) over FUSE over io_uring.",
  },
  brief('reference-memory', referenceMemory),
  brief('reference-passthrough', referencePassthrough, { variant: 'threads' }),
  brief('reference-memory-ring', referenceRingMemory),
  brief('reference-passthrough-ring', referenceRingPassthrough),
  brief('bindfs', bindfs),
  brief('gocryptfs', gocryptfs, { prepare: initCipher }),
  brief('libfuse-passthrough_hp-ring', libfusePassthroughHp),
];

/** The recipe's command as a case has it: the reference server by its placeholder, others by name. */
export function caseCommand({ recipe, variant = 'plain' }: RealCase): string[] {
  const [program = '', ...words] =
    recipe.variants.find(({ name }) => name === variant)?.command ?? [];
  const name = basename(program);
  return [name === 'fuse-rig-server' ? '{server}' : name, ...words];
}
