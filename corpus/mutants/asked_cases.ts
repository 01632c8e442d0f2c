/** Cases about what a server is asked for: locks, data, limits, and what only an odd kernel asks. */
import type { MutantCase } from './cases.ts';

const RING = ['--transport', 'ring', '--ring-required'];

export const ASKED: readonly MutantCase[] = [
  {
    name: 'locks-ring',
    about: 'Locks that are waited for and granted again and again, with two entries.',
    scene: 'locks',
    server: [...RING, '--ring-depth', '2'],
    options: { cpus: 1 },
    mutants: { 'stale-request-state': 'divergence', 'in-flight-twice-decremented': 'termination' },
  },
  {
    name: 'interrupted',
    about: 'A hundred locks that are waited for until a signal comes.',
    scene: 'interrupted',
    mutants: { 'fd-leak-on-interrupt': 'descriptors' },
  },
  {
    name: 'interrupted-deferred',
    about: 'The same; a SETLKW is put off a little, and its INTERRUPT overtakes it.',
    scene: 'interrupted',
    // Put off a little: its INTERRUPT overtakes it.
    server: ['--defer', 'SETLKW', '--defer-batch', '2'],
    mutants: { 'interrupt-unsettled': 'divergence' },
  },
  {
    name: 'interrupted-again',
    about:
      'A hundred locks that are waited for until a signal comes; every INTERRUPT is asked for again.',
    scene: 'interrupted',
    server: ['--interrupt-again'],
    mutants: { 'interrupt-unsettled-twice': 'divergence' },
  },
  {
    name: 'writers',
    about:
      'Cached data is written back with many requests under way, and read back; the reply to a FLUSH is lost.',
    scene: 'writers',
    server: ['--defer', 'WRITE', '--defer-batch', '4', '--writeback', '--max-write', '65536'],
    // After it answers may differ, which excuses them; what was written must still be read back.
    faults: ['FLUSH:write=EFAULT:when=1'],
    mutants: { 'shared-request-buffer': 'content' },
  },
  {
    name: 'writers-spill',
    about:
      'Data is written back and read back, by a server that receives what is long in two buffers.',
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
    about: 'A file system of 16 pages is filled, and more.',
    scene: 'full',
    mutants: { 'enospc-lost': 'divergence', 'enospc-lost-short': 'divergence' },
  },
  {
    name: 'attributes-ring',
    about: 'More names of extended attributes than a payload buffer of the ring holds.',
    scene: 'attributes',
    server: [...RING, '--max-write', '4096'],
    options: { cpus: 2 },
    mutants: { 'payload-unbounded': 'ownership' },
  },
  {
    name: 'retrieved-ring',
    about: 'Cached pages that the server asks for, over the ring.',
    scene: 'retrieved',
    server: [...RING, '--ring-depth', '2', '--notify', 'retrieve,store,inval'],
    options: { cpus: 1 },
    mutants: { 'notify-reply-wrong-buffer': 'divergence', 'forget-leaks-entry': 'divergence' },
  },
  {
    name: 'unpinned',
    about: 'Buffers of a ring that cannot be locked into memory.',
    scene: 'everyday',
    server: [...RING, '--ring-pin'],
    // Buffers cannot be locked: little memory may be, and the right to do it all the same is taken away.
    before: ['prlimit', '--memlock=1048576:1048576', 'setpriv', '--bounding-set', '-ipc_lock'],
    options: { cpus: 2 },
    mutants: { 'memlock-fatal': 'termination' },
  },
  {
    name: 'crowded',
    about: 'A directory with more entries than the server may have descriptors.',
    scene: 'crowded',
    mutants: { 'emfile-drops-entries': 'divergence' },
  },
  {
    name: 'old-connection',
    about: 'Uniques of more than 32 bits.',
    scene: 'everyday',
    options: { uniqueBase: 2 ** 32 },
    mutants: { 'id-32-bit': 'conformance' },
  },
  {
    name: 'old-connection-ring',
    about: 'Uniques of more than 32 bits, over the ring.',
    scene: 'everyday',
    server: RING,
    options: { cpus: 2, uniqueBase: 2 ** 32 },
    mutants: { 'id-32-bit-commit': 'ownership' },
  },
  {
    name: 'malformed',
    about: 'A LOOKUP of a name with a slash, which no kernel sends.',
    scene: 'malformed',
    mutants: { 'parse-error-unanswered': 'divergence' },
  },
  {
    name: 'older',
    about: 'A server of protocol 7.36 is asked for what it does not know.',
    scene: 'older',
    mutants: { 'opcode-null': 'termination' },
  },
  {
    name: 'large',
    about: 'Requests of 252 pages by several processes at once.',
    scene: 'large',
    mutants: { 'aperture-table': 'termination', 'dma-size-ignored': 'divergence' },
  },
  {
    name: 'small',
    about: 'A server whose buffers are the smallest there may be.',
    scene: 'small',
    mutants: { 'max-write-below-4096': 'termination' },
  },
  {
    name: 'few-pages',
    about: 'A server of protocol 7.27, which knows nothing of max_pages.',
    scene: 'few-pages',
    mutants: { 'max-pages-without-flag': 'negotiation' },
  },
];
