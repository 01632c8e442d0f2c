/** Which case is for which mutants: a scene's capture, how it is replayed, and what must be found. */
import type { ReplayOptions } from '../../replayer/replay.ts';

export interface MutantCase {
  name: string;
  scene: string;
  /** Options of the server that is replayed to; those of the scene if absent. */
  server?: readonly string[];
  /** Words before the server; those of the scene if absent. */
  before?: readonly string[];
  replay?: Partial<Omit<ReplayOptions, 'capture' | 'command'>>;
  /** Each mutant, and the check that must catch it. */
  mutants: Readonly<Record<string, string>>;
}

const RING = ['--transport', 'ring', '--ring-required'];

export const CASES: readonly MutantCase[] = [
  {
    name: 'everyday',
    scene: 'everyday',
    mutants: {
      'enodev-as-data': 'termination',
      'forget-answered': 'conformance',
      'double-reply': 'conformance',
      'max-write-unclamped': 'termination',
    },
  },
  {
    name: 'everyday-poll',
    scene: 'everyday',
    server: ['--nonblock=poll'],
    mutants: { 'pollerr-spin': 'termination' },
  },
  {
    name: 'everyday-ring',
    scene: 'everyday',
    server: RING,
    replay: { cpus: 2 },
    mutants: {
      'eventfd-4-bytes': 'termination',
      'cqe-enotconn-fatal': 'termination',
      'cqe-enotconn-fatal-one': 'termination',
      'write-after-commit': 'ownership',
      'write-after-commit-headers': 'ownership',
      'double-commit': 'ownership',
      'double-commit-half-made': 'ownership',
    },
  },
  {
    name: 'again-ring',
    scene: 'everyday',
    server: RING,
    // The first REGISTER has to be repeated.
    replay: { cpus: 2, faults: ['register=EAGAIN:when=1'] },
    mutants: { 'lock-kept-on-error': 'termination' },
  },
  {
    name: 'small-ring',
    scene: 'everyday',
    server: [...RING, '--max-write', '4096', '--max-pages', '32'],
    replay: { cpus: 2 },
    mutants: { 'max-pages-without-flag-page': 'divergence' },
  },
  {
    name: 'written-ring',
    scene: 'written',
    server: [...RING, '--fs', 'passthrough={fixture}'],
    replay: { cpus: 1 },
    mutants: { 'read-after-commit': 'ownership' },
  },
  {
    name: 'everyday-workers',
    scene: 'everyday',
    server: [...RING, '--ring-replies', 'worker'],
    replay: { cpus: 2 },
    mutants: { 'exit-nobody-woken-worker': 'termination' },
  },
  {
    name: 'ring-refused',
    scene: 'everyday',
    // Not without single_issuer, as a kernel would refuse what it is too old for.
    server: ['--transport', 'ring', '--ring-flags', 'defer_taskrun'],
    replay: { cpus: 2 },
    mutants: {
      'ring-setup-fails-still-advertised': 'divergence',
      'ring-setup-fails-then-freed': 'termination',
    },
  },
  {
    name: 'ring-not-offered',
    scene: 'everyday',
    server: ['--transport', 'ring'],
    replay: { transport: 'device' },
    mutants: { 'init-echo': 'negotiation' },
  },
  {
    name: 'held-sigterm',
    scene: 'held',
    replay: { end: 'sigterm' },
    mutants: { 'exit-nobody-woken': 'termination' },
  },
  {
    name: 'held-ring-sigterm',
    scene: 'held',
    server: RING,
    replay: { end: 'sigterm', cpus: 2 },
    mutants: { 'teardown-circular': 'termination' },
  },
  {
    name: 'everyday-unmount',
    scene: 'everyday',
    mutants: { 'double-unmount': 'mounts' },
  },
  {
    name: 'waiting-sigterm',
    scene: 'waiting',
    replay: { end: 'sigterm' },
    mutants: { 'fd-closed-in-use': 'descriptors' },
  },
  {
    name: 'waiting-ring-sigterm',
    scene: 'waiting',
    server: RING,
    replay: { end: 'sigterm', cpus: 1 },
    mutants: { 'reply-after-teardown': 'termination' },
  },
  {
    name: 'locks-ring',
    scene: 'locks',
    server: [...RING, '--ring-depth', '2'],
    replay: { cpus: 1 },
    mutants: { 'stale-request-state': 'divergence', 'in-flight-twice-decremented': 'termination' },
  },
  {
    name: 'interrupted',
    scene: 'interrupted',
    mutants: { 'fd-leak-on-interrupt': 'descriptors' },
  },
  {
    name: 'interrupted-deferred',
    scene: 'interrupted',
    // Put off a little: its INTERRUPT overtakes it.
    server: ['--defer', 'SETLKW', '--defer-batch', '2'],
    mutants: { 'interrupt-unsettled': 'divergence' },
  },
  {
    name: 'writers',
    scene: 'writers',
    server: ['--defer', 'WRITE', '--defer-batch', '4', '--writeback', '--max-write', '65536'],
    mutants: { 'shared-request-buffer': 'content' },
  },
  {
    name: 'writers-spill',
    scene: 'writers',
    server: [
      ...['--io', 'spill', '--defer', 'WRITE', '--defer-batch', '4'],
      ...['--writeback', '--max-write', '65536'],
    ],
    mutants: {
      'spillover-freed-twice': 'termination',
      'spillover-kept': 'content',
      'spillover-misaligned': 'content',
    },
  },
  {
    name: 'full',
    scene: 'full',
    mutants: { 'enospc-lost': 'divergence', 'enospc-lost-short': 'divergence' },
  },
  {
    name: 'attributes-ring',
    scene: 'attributes',
    server: [...RING, '--max-write', '4096'],
    replay: { cpus: 2 },
    mutants: { 'payload-unbounded': 'ownership' },
  },
  {
    name: 'retrieved-ring',
    scene: 'retrieved',
    server: [...RING, '--ring-depth', '2', '--notify', 'retrieve,store,inval'],
    replay: { cpus: 1 },
    mutants: { 'notify-reply-wrong-buffer': 'divergence', 'forget-leaks-entry': 'divergence' },
  },
  {
    name: 'unpinned',
    scene: 'everyday',
    server: [...RING, '--ring-pin'],
    // Buffers cannot be locked: little memory may be, and the right to do it all the same is taken away.
    before: ['prlimit', '--memlock=1048576:1048576', 'setpriv', '--bounding-set', '-ipc_lock'],
    replay: { cpus: 2 },
    mutants: { 'memlock-fatal': 'termination' },
  },
  {
    name: 'crowded',
    scene: 'crowded',
    mutants: { 'emfile-drops-entries': 'divergence' },
  },
  {
    name: 'old-connection',
    scene: 'everyday',
    replay: { uniqueBase: 2n ** 32n },
    mutants: { 'id-32-bit': 'conformance' },
  },
  {
    name: 'old-connection-ring',
    scene: 'everyday',
    server: RING,
    replay: { cpus: 2, uniqueBase: 2n ** 32n },
    mutants: { 'id-32-bit-commit': 'ownership' },
  },
  {
    name: 'malformed',
    scene: 'malformed',
    mutants: { 'parse-error-unanswered': 'divergence' },
  },
  {
    name: 'older',
    scene: 'older',
    mutants: { 'opcode-null': 'termination' },
  },
  {
    name: 'large',
    scene: 'large',
    mutants: { 'aperture-table': 'termination', 'dma-size-ignored': 'divergence' },
  },
  {
    name: 'small',
    scene: 'small',
    mutants: { 'max-write-below-4096': 'termination' },
  },
  {
    name: 'few-pages',
    scene: 'few-pages',
    mutants: { 'max-pages-without-flag': 'negotiation' },
  },
];
