/**
 * Bugs built into the reference server that show on a real mount: how it is started, what clients do, the
 * fault that brings it out, and the check that finds it. The scenes are those of the replayed mutants.
 */
import { SCENES } from '../mutants/scenes.ts';
import { builtProgram } from '../run.ts';
import type { LiveRun } from './run.ts';

export interface LiveMutant {
  bug: string;
  /** Name of a scene, or a shell command. */
  scene: string;
  server?: readonly string[];
  before?: readonly string[];
  faults?: readonly string[];
  /** The check that must find it. */
  check: string;
  /** Not in npm test: it takes long (a stall, or a server that has its time to end), or threads must meet. */
  apart?: true;
}

const RING = ['--transport', 'ring', '--ring-required'];
const SPILL = {
  scene: 'writers',
  server: [
    ...['--io', 'spill', '--defer', 'WRITE', '--defer-batch', '4'],
    ...['--writeback', '--max-write', '65536'],
  ],
};
/** The second file cannot be opened, and some later ones can. */
const OPENS =
  'for n in 1 2 3 4 5 6; do echo $n > {mountpoint}/f; cat {mountpoint}/f; done > /dev/null 2>&1; true';
/** A client has a file open, and asks for nothing more, when the server is told to end. */
const HOLD = 'exec 3<> {mountpoint}/file; echo text >&3; sleep 14';
const HELD = {
  scene: HOLD,
  faults: ['WRITE:sigterm:at=delivered'],
  check: 'termination',
  apart: true,
} as const;

export const MUTANTS: readonly LiveMutant[] = [
  { bug: 'forget-answered', scene: 'everyday', check: 'conformance' },
  { bug: 'double-reply', scene: 'everyday', check: 'conformance' },
  { bug: 'double-unmount', scene: 'everyday', check: 'mounts' },
  { bug: 'max-write-unclamped', scene: 'everyday', check: 'termination' },
  { bug: 'cqe-enotconn-fatal', scene: 'everyday', server: RING, check: 'termination' },
  { bug: 'cqe-enotconn-fatal-one', scene: 'everyday', server: RING, check: 'termination' },
  { bug: 'double-commit', scene: 'everyday', server: RING, check: 'ownership' },
  {
    bug: 'double-commit-half-made',
    scene: 'everyday',
    server: RING,
    check: 'ownership',
    apart: true,
  },
  {
    bug: 'exit-nobody-woken-worker',
    scene: 'everyday',
    server: [...RING, '--ring-replies', 'worker'],
    check: 'termination',
  },
  {
    bug: 'max-write-below-4096',
    scene: 'small',
    server: ['--max-write', '1024'],
    check: 'termination',
  },
  {
    bug: 'max-pages-without-flag',
    scene: 'few-pages',
    server: ['--minor', '27', '--max-write', '262144'],
    check: 'negotiation',
  },
  { bug: 'opcode-null', scene: 'older', server: ['--minor', '36'], check: 'termination' },
  {
    bug: 'emfile-for-ever',
    scene: OPENS,
    server: ['--fs', 'passthrough={fixture}'],
    faults: ['OPEN:fds=0:at=delivered:until=6:when=2'],
    check: 'progress',
  },
  { bug: 'fd-leak-on-interrupt', scene: 'interrupted', check: 'descriptors' },
  {
    bug: 'shared-request-buffer',
    scene: 'writers',
    server: ['--defer', 'WRITE', '--defer-batch', '4', '--writeback', '--max-write', '65536'],
    check: 'content',
    apart: true,
  },
  { ...SPILL, bug: 'spillover-misaligned', check: 'content' },
  { ...SPILL, bug: 'spillover-kept', check: 'content', apart: true },
  { ...SPILL, bug: 'spillover-freed-twice', check: 'termination', apart: true },
  {
    bug: 'payload-unbounded',
    scene: 'attributes',
    server: [...RING, '--max-write', '4096'],
    check: 'ownership',
  },
  {
    bug: 'memlock-fatal',
    scene: 'everyday',
    server: [...RING, '--ring-pin'],
    before: ['prlimit', '--memlock=1048576:1048576', 'setpriv', '--bounding-set', '-ipc_lock'],
    check: 'termination',
  },
  { bug: 'enodev-as-data', scene: 'everyday', check: 'termination', apart: true },
  {
    bug: 'pollerr-spin',
    scene: 'everyday',
    server: ['--nonblock=poll'],
    check: 'termination',
    apart: true,
  },
  {
    bug: 'ring-setup-fails-still-advertised',
    scene: 'everyday',
    server: ['--transport', 'ring', '--ring-flags', 'defer_taskrun'],
    check: 'progress',
    apart: true,
  },
  {
    bug: 'ring-setup-fails-then-freed',
    scene: 'everyday',
    server: ['--transport', 'ring', '--ring-flags', 'defer_taskrun'],
    check: 'termination',
    apart: true,
  },
  {
    bug: 'lock-kept-on-error',
    scene: 'everyday',
    server: RING,
    faults: ['register=EAGAIN:when=1'],
    check: 'termination',
    apart: true,
  },
  ...['aperture-table', 'dma-size-ignored'].map((bug) => ({
    bug,
    scene: 'large',
    server: ['--max-write', '1032192', '--threads', '8'],
    check: 'progress',
    apart: true as const,
  })),
  { bug: 'exit-nobody-woken', ...HELD, server: ['--threads', '2'] },
  { bug: 'teardown-circular', ...HELD, server: RING },
  { bug: 'eventfd-4-bytes', ...HELD, server: RING },
  {
    bug: 'in-flight-twice-decremented',
    scene: 'locks',
    server: [...RING, '--ring-depth', '2'],
    check: 'termination',
    apart: true,
  },
  {
    bug: 'forget-leaks-entry',
    scene: 'retrieved',
    server: [...RING, '--ring-depth', '2', '--notify', 'retrieve,store,inval'],
    check: 'progress',
    apart: true,
  },
];

/** The mutant at its work; with `bug` empty the clean server, which nothing may be found of. */
export function liveRun(row: LiveMutant, bug: string): LiveRun {
  const scene = SCENES.find(({ name }) => name === row.scene);
  if (scene === undefined && !row.scene.includes(' ')) {
    throw new Error(`no scene ${row.scene}`);
  }
  const { before = [], server = [], faults = [] } = row;
  const program = builtProgram('fuse-rig-server') ?? 'fuse-rig-server';
  const wrong = bug === '' ? [] : ['--bug', bug];
  return {
    command: [...before, program, ...server, ...wrong, '{mountpoint}'],
    faults,
    work: scene?.client ?? row.scene,
    ...(scene?.prepare === undefined ? {} : { prepare: scene.prepare }),
  };
}
