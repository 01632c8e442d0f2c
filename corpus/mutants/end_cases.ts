/** Cases about how a server begins, waits and ends; everyday traffic shows most of it. */
import type { MutantCase } from './cases.ts';

const RING = ['--transport', 'ring', '--ring-required'];

export const ENDS: readonly MutantCase[] = [
  {
    name: 'everyday',
    about: 'A little of everything, over the device.',
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
    about: 'The same, by a server that polls a device opened with O_NONBLOCK.',
    scene: 'everyday',
    server: ['--nonblock=poll'],
    mutants: { 'pollerr-spin': 'termination' },
  },
  {
    name: 'everyday-ring',
    about: 'The same over the ring, two queues.',
    scene: 'everyday',
    server: RING,
    options: { cpus: 2 },
    mutants: {
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
    about: 'The first REGISTER ends with -EAGAIN, and is made again.',
    scene: 'everyday',
    server: RING,
    // The first REGISTER has to be repeated.
    options: { cpus: 2 },
    faults: ['register=EAGAIN:when=1'],
    mutants: { 'lock-kept-on-error': 'termination' },
  },
  {
    name: 'again-all-ring',
    about: 'Every entry has to be registered twice.',
    scene: 'everyday',
    server: [...RING, '--ring-depth', '2'],
    // The first REGISTER of each of four entries: whoever forgets them has no ring, and waits for ever.
    options: { cpus: 2 },
    faults: ['register=EAGAIN:when=1..4'],
    mutants: { 'cqe-eagain-dropped': 'divergence' },
  },
  {
    name: 'small-ring',
    about: 'Payload buffers of a ring that are as small as they may be.',
    scene: 'everyday',
    server: [...RING, '--max-write', '4096', '--max-pages', '32'],
    options: { cpus: 2 },
    mutants: { 'max-pages-without-flag-page': 'divergence' },
  },
  {
    name: 'written-ring',
    about: 'The last that is asked is a WRITE, into a file that is kept.',
    scene: 'written',
    server: [...RING, '--fs', 'passthrough={fixture}'],
    options: { cpus: 1 },
    mutants: { 'read-after-commit': 'ownership' },
  },
  {
    name: 'everyday-workers',
    about: 'A ring whose replies are made by other threads.',
    scene: 'everyday',
    server: [...RING, '--ring-replies', 'worker'],
    options: { cpus: 2 },
    mutants: { 'exit-nobody-woken-worker': 'termination' },
  },
  {
    name: 'ring-refused',
    about: 'A ring that the kernel offers and the server cannot set up: it goes on on the device.',
    scene: 'everyday',
    // Not without single_issuer, as a kernel would refuse what it is too old for.
    server: ['--transport', 'ring', '--ring-flags', 'defer_taskrun'],
    options: { cpus: 2 },
    mutants: {
      'ring-setup-fails-still-advertised': 'divergence',
      'ring-setup-fails-then-freed': 'termination',
    },
  },
  {
    name: 'ring-not-offered',
    about: 'A server that would take a ring, and is not offered one.',
    scene: 'everyday',
    server: ['--transport', 'ring'],
    options: { transport: 'device' },
    mutants: { 'init-echo': 'negotiation' },
  },
  {
    name: 'held-sigterm',
    about: 'SIGTERM while a client has a file open.',
    scene: 'held',
    options: { end: 'sigterm' },
    mutants: { 'exit-nobody-woken': 'termination' },
  },
  {
    name: 'held-ring-sigterm',
    about: 'SIGTERM while a client has a file open, over the ring.',
    scene: 'held',
    server: RING,
    options: { end: 'sigterm', cpus: 2 },
    // The connection lives: nothing but the eventfd wakes the ring's thread.
    mutants: { 'teardown-circular': 'termination', 'eventfd-4-bytes': 'termination' },
  },
  {
    name: 'turns-sigterm',
    about:
      'SIGTERM while one thread reads and another waits for its turn to; a client has a file open.',
    scene: 'held',
    server: ['--threads', '2', '--io', 'turns'],
    options: { end: 'sigterm' },
    mutants: { 'signal-between-check-and-read': 'termination' },
  },
  {
    name: 'signalfd-sigterm',
    about: 'SIGTERM and a request are due at once, in one epoll.',
    scene: 'writers',
    server: ['--nonblock=signalfd', '--writeback', '--max-write', '65536'],
    // Another WRITE waits then.
    faults: ['WRITE:sigterm:at=delivered:when=10'],
    mutants: { 'exit-event-lost': 'termination' },
  },
  {
    name: 'short-init',
    about: 'INIT of a kernel that says protocol 7.35, whose message is shorter.',
    scene: 'short-init',
    mutants: { 'init-echo-past-end': 'termination' },
  },
  {
    name: 'everyday-unmount',
    about: 'Somebody else unmounts.',
    scene: 'everyday',
    mutants: { 'double-unmount': 'mounts' },
  },
  {
    name: 'sessions',
    about: 'Twelve sessions one after the other in one process, each asked the same.',
    scene: 'everyday',
    server: ['--sessions', '12'],
    options: { sessions: 12 },
    mutants: {
      'fd-leak-per-session': 'sessions',
      'mapping-leak-per-session': 'sessions',
      'memory-leak-per-session': 'sessions',
      'thread-leak-per-session': 'sessions',
    },
  },
  {
    name: 'waiting-sigterm',
    about: 'SIGTERM while a lock is waited for.',
    scene: 'waiting',
    options: { end: 'sigterm' },
    mutants: { 'fd-closed-in-use': 'descriptors' },
  },
  {
    name: 'waiting-ring-sigterm',
    about: 'SIGTERM while a lock is waited for, over the ring.',
    scene: 'waiting',
    server: RING,
    options: { end: 'sigterm', cpus: 1 },
    mutants: { 'reply-after-teardown': 'termination' },
  },
];
