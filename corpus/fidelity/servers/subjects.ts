/** The servers that are run whole: each with the work that is done on it, and how it is started. */

import type { Bench } from '../../../rig/testing/bench.ts';
import { built, SOME_WORK } from '../../../rig/testing/bench.ts';
import { bindfs } from '../../servers/bindfs.ts';
import { fuseOverlayfs } from '../../servers/fuse_overlayfs.ts';
import { gocryptfs } from '../../servers/gocryptfs.ts';
import { libfuseMemfs } from '../../servers/libfuse_memfs_ll.ts';
import { libfusePassthroughHp } from '../../servers/libfuse_passthrough_hp.ts';
import { mergerfs } from '../../servers/mergerfs.ts';
import { rclone } from '../../servers/rclone.ts';
import type { Recipe } from '../../servers/recipe.ts';
import { referenceRingMemory, referenceRingPassthrough } from '../../servers/reference_ring.ts';
import { squashfuse } from '../../servers/squashfuse.ts';
import { sshfs } from '../../servers/sshfs.ts';
import { unionfsFuse } from '../../servers/unionfs_fuse.ts';
import { runWorkload } from '../../workloads/workload.ts';
import { unsuited, workloads } from '../../workloads/workloads.ts';

export interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  /** Words of `record` besides. */
  readonly record: readonly string[];
  readonly replay: readonly string[];
  /** Codes it may end with at a signal: where there are several, which one is a race of its own threads. */
  readonly codes: readonly number[];
  /** Why it cannot run here. */
  missing(): string | undefined;
  prepare(bench: Bench): Promise<void>;
  work(bench: Bench): Promise<string[]>;
}

const SERVER = built('fuse-rig-server');

/** Our own server, by the ways to the device that differ in what the kernel is asked. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  'one thread': [],
  '4 threads': ['--threads', '4'],
  'clone, 4 threads': ['--clone', '--threads', '4'],
  splice: ['--io', 'splice', '--reply', 'splice'],
  'clone, nonblock poll': ['--clone', '--threads', '3', '--nonblock=poll'],
  'new mount calls': ['--mount', 'newapi'],
};

const own = ([name, options]: readonly [string, readonly string[]]): Subject => ({
  name,
  command: [SERVER, ...options, '{mountpoint}'],
  record: [],
  replay: [],
  codes: [],
  missing: () => undefined,
  prepare: async () => {},
  work: (bench) => bench.client(SOME_WORK),
});

/** What is done on other servers, if they can have it done. */
const WORK: ReadonlySet<string> = new Set(['walk', 'renames', 'unlinked']);
const SEED = 7;

const recipes: readonly Recipe[] = [
  bindfs,
  fuseOverlayfs,
  squashfuse,
  sshfs,
  gocryptfs,
  unionfsFuse,
  mergerfs,
  rclone,
  referenceRingPassthrough,
  referenceRingMemory,
  libfusePassthroughHp,
  libfuseMemfs,
];

const other = (recipe: Recipe): Subject => ({
  name: recipe.name,
  command: recipe.variants[0].command,
  record: ['--fixture', '{fixture}'],
  replay: recipe.serial === undefined ? [] : ['--serial'],
  codes: recipe.sigtermCodes,
  missing: () => recipe.missing() ?? recipe.variants[0].missing?.(),
  prepare: (bench) => recipe.prepare(bench.fixture),
  work: async (bench) => {
    const lines: string[] = [];
    for (const workload of workloads) {
      if (!WORK.has(workload.name) || unsuited(workload, recipe) !== undefined) continue;
      lines.push(...(await runWorkload(workload, bench.mountpoint, SEED, 'small')).lines);
    }
    return lines;
  },
});

export const SUBJECTS: readonly Subject[] = [
  ...Object.entries(OWN).map(own),
  ...recipes.map(other),
];
