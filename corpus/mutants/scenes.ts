/** The scenes of the mutants' cases. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRNO } from '../../rig/protocol/errno.ts';
import { opcodeOf, uniqueOf } from '../../rig/protocol/header.ts';
import { OP } from '../../rig/protocol/opcodes.ts';
import { times } from '../workloads/workload.ts';
import type { Scene } from './scene.ts';

/** Operations of a process beside. */
const beside = (name: string, ...lines: string[]): string[] => [`spawn ${name}`, ...lines, 'end'];

/** 50 ms: what the control file says meanwhile would differ from run to run. */
const pause: readonly string[] = [...beside('p'), 'pester p 50', 'join p'];

/** A little of everything; data goes and comes with O_DIRECT, past the page cache. */
const everyday: Scene = {
  name: 'everyday',
  server: [],
  client: [
    'mkdir d',
    'open f d/file RDWR|CREAT|DIRECT',
    'fill f 1 64K 16K',
    'drain f 16K',
    'close f',
    ...times(6, (i) => [`open g d/g${i} RDWR|CREAT`, 'close g', `unlink d/g${i}`]).flat(),
    'stat d/none',
    'rename d/file d/other',
    'list d',
    'unlink d/other',
    'rmdir d',
  ],
};

/** A file is open when the server has to go. */
const held: Scene = {
  name: 'held',
  server: [],
  client: ['open f file RDWR|CREAT|DIRECT', 'fill f 1 16K 4K', 'drain f 4K'],
  killed: true,
};

/** The last that is asked is a WRITE. */
const written: Scene = {
  name: 'written',
  server: ['--fs', 'passthrough={fixture}'],
  prepare(fixture) {
    writeFileSync(join(fixture, 'file'), '');
  },
  client: ['open f file RDWR|DIRECT', 'fill f 1 16K 16K'],
  killed: true,
};

/** A lock is waited for when the server has to go. */
const waiting: Scene = {
  name: 'waiting',
  server: [],
  client: [
    'open f file RDWR|CREAT',
    'flock f EX',
    ...beside('w', 'open w file RDWR', 'flock w EX'),
    'blocked w flock',
    'stat file',
  ],
  killed: true,
};

/** Locks that are waited for and granted, again and again. */
const locks: Scene = {
  name: 'locks',
  server: [],
  client: [
    'open f file RDWR|CREAT',
    ...times(6, (i) => [
      'flock f EX',
      ...beside(`w${i}`, 'open w file RDWR', 'flock w EX', 'close w'),
      `blocked w${i} flock`,
      'flock f UN',
      `join w${i}`,
      ...times(4, () => 'stat none'),
    ]).flat(),
  ],
};

/** Locks that are waited for, each until a signal comes. */
const interrupted: Scene = {
  name: 'interrupted',
  server: [],
  client: [
    'open f file RDWR|CREAT',
    'flock f EX',
    ...times(100, (i) => [
      ...beside(`w${i}`, 'open w file RDWR', 'flock w EX'),
      `blocked w${i} flock`,
      `signal w${i} USR1`,
      `join w${i}`,
    ]).flat(),
  ],
};

/** Cached data is written back all at once, many requests under way, and read back. */
const writers: Scene = {
  name: 'writers',
  server: ['--writeback', '--defer', 'WRITE', '--max-write', '65536'],
  client: [
    ...times(3, (i) => [
      `open f f${i} RDWR|CREAT`,
      `fill f ${i + 1} 1M 64K`,
      'fsync f',
      'close f',
    ]).flat(),
    ...times(3, (i) => [`open f f${i} RDONLY|DIRECT`, 'drain f 64K', 'close f']).flat(),
  ],
};

/** A file system of 16 pages is filled, and more. */
const full: Scene = {
  name: 'full',
  server: ['--capacity', '65536'],
  client: ['open f file RDWR|CREAT|DIRECT', 'fill f 1 80K 16K', 'fstat f', 'drain f 16K'],
};

/** More names of extended attributes than the smallest payload buffer of a ring holds. */
const attributes: Scene = {
  name: 'attributes',
  server: ['--max-write', '4096'],
  client: [
    'open f file RDWR|CREAT',
    'close f',
    ...times(60, (i) => `setxattr file user.${'n'.repeat(200)}${i} value`),
    'listxattr file',
    'stat none',
  ],
  // Over a ring the list does not fit.
  again: {
    server: ['--transport', 'ring', '--ring-required', '--max-write', '4096'],
    replay: { cpus: 2 },
  },
};

/** A directory of which not every entry can be held by a descriptor. */
const crowded: Scene = {
  name: 'crowded',
  server: ['--fs', 'passthrough={fixture}', '--descriptors', '40', '--readdirplus-always'],
  prepare(fixture) {
    for (let i = 0; i < 60; i++) writeFileSync(join(fixture, `entry-${i}`), '');
  },
  client: ['list .', 'stat none'],
};

/** LOOKUP of a name with a slash, which no kernel sends: EIO. */
const malformed: Scene = {
  name: 'malformed',
  server: [],
  client: ['stat abc', 'stat none'],
  edit(events) {
    for (const [at, event] of events.entries()) {
      if (event.kind !== 'request' || opcodeOf(event.bytes) !== OP.LOOKUP.opcode) continue;
      const unique = uniqueOf(event.bytes);
      const bytes = event.bytes.slice();
      if (bytes[40] !== 'a'.charCodeAt(0)) continue;
      bytes.set(Buffer.from('a/c'), 40);
      events[at] = { ...event, bytes };
      const answer = events.findIndex((e) => e.kind === 'reply' && uniqueOf(e.bytes) === unique);
      const reply = events[answer];
      if (reply?.kind !== 'reply') throw new Error('no reply to LOOKUP');
      const error = reply.bytes.slice();
      new DataView(error.buffer).setInt32(4, -ERRNO.EIO, true);
      events[answer] = { ...reply, bytes: error };
    }
  },
};

/** Cached pages are asked for by the server, and come as NOTIFY_REPLY. */
const retrieved: Scene = {
  name: 'retrieved',
  server: ['--notify', 'retrieve,store,inval'],
  client: [
    'open c .control RDWR',
    'open f file RDWR|CREAT',
    'fill f 1 4096 4K',
    'fsync f',
    ...times(4, (i) => [
      `put c retrieve%20file%20${i}%2064`,
      ...pause,
      'stat file',
      'stat none',
    ]).flat(),
    'read c 8000 0',
  ],
};

/** A server of an older protocol is asked for what it does not know. */
const older: Scene = {
  name: 'older',
  server: ['--minor', '36'],
  client: ['open t . TMPFILE|RDWR', 'mkdir d', 'stat d'],
};

/** Requests of 252 pages by several processes at once. */
const large: Scene = {
  name: 'large',
  server: ['--max-write', '1032192', '--threads', '4'],
  client: [
    'open f file RDWR|CREAT|DIRECT',
    'ftruncate f 4128768',
    ...times(4, (i) =>
      beside(
        `r${i}`,
        'open f file RDONLY|DIRECT',
        ...times(2, () => `read f 1032192 ${i * 1032192}`),
      ),
    ).flat(),
    ...times(4, (i) => `join r${i}`),
  ],
};

/** A server with the smallest buffers. */
const small: Scene = {
  name: 'small',
  server: ['--max-write', '1024'],
  client: ['open f file RDWR|CREAT|DIRECT', 'fill f 1 16K 4K', 'drain f 4K', 'close f'],
};

/** A server that knows nothing of max_pages. */
const fewPages: Scene = {
  name: 'few-pages',
  server: ['--minor', '27'],
  client: ['open f file RDWR|CREAT|DIRECT', 'fill f 1 128K 64K', 'drain f 64K', 'close f'],
};

/** A directory too large for one reply. */
const directory: Scene = {
  name: 'directory',
  server: ['--fs', 'passthrough={fixture}'],
  prepare(fixture) {
    for (let i = 0; i < 60; i++) writeFileSync(join(fixture, `entry-${i}`), '');
  },
  client: ['list .', 'stat entry-7'],
};

export const SCENES: readonly Scene[] = [
  everyday,
  held,
  written,
  waiting,
  locks,
  interrupted,
  writers,
  full,
  attributes,
  crowded,
  malformed,
  retrieved,
  older,
  large,
  small,
  fewPages,
  directory,
];
