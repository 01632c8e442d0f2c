/** The scenes of the mutants' cases. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { times } from '../workloads/workload.ts';
import { beside, type Scene } from './scene.ts';
import { OTHERS } from './server_scenes.ts';

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
      `fill f ${i + 1} 256K 64K`,
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
  ...OTHERS,
];
