/** Scenes of a server of a certain kind, or of what only an odd kernel asks. */
import { ERRNO } from '../../rig/protocol/errno.ts';
import { opcodeOf, uniqueOf } from '../../rig/protocol/header.ts';
import { OP } from '../../rig/protocol/opcodes.ts';
import { times } from '../workloads/workload.ts';
import { beside, type Scene } from './scene.ts';

/** 50 ms: what the control file says meanwhile would differ from run to run. */
const pause: readonly string[] = [...beside('p'), 'pester p 50', 'join p'];

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

/** struct fuse_init_in before 7.36 ends behind `flags`, which cannot say INIT_EXT then. */
const INIT_SHORT = { bytes: 56, minor: 35, minorAt: 44, flagsAt: 52, initExt: 1 << 30 };

/** A kernel of protocol 7.35 asks. */
const shortInit: Scene = {
  name: 'short-init',
  server: [],
  client: ['mkdir d', 'stat d', 'stat none'],
  edit(events) {
    const at = events.findIndex(
      (e) => e.kind === 'request' && opcodeOf(e.bytes) === OP.INIT.opcode,
    );
    const event = events[at];
    if (event?.kind !== 'request') throw new Error('no INIT');
    const bytes = event.bytes.slice(0, INIT_SHORT.bytes);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, INIT_SHORT.bytes, true);
    view.setUint32(INIT_SHORT.minorAt, INIT_SHORT.minor, true);
    const flags = view.getUint32(INIT_SHORT.flagsAt, true);
    view.setUint32(INIT_SHORT.flagsAt, flags & ~INIT_SHORT.initExt, true);
    events[at] = { ...event, bytes };
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
  server: ['--max-write', '1032192', '--threads', '8'],
  client: [
    'open f file RDWR|CREAT|DIRECT',
    'ftruncate f 5160960',
    ...times(5, (i) =>
      beside(`r${i}`, 'open f file RDONLY|DIRECT', `read f 1032192 ${i * 1032192}`),
    ).flat(),
    ...times(5, (i) => `join r${i}`),
  ],
};

/** A server with the smallest buffers. */
const small: Scene = {
  name: 'small',
  server: ['--max-write', '1024'],
  client: ['open f file RDWR|CREAT|DIRECT', 'fill f 1 16K 4K', 'drain f 4K', 'close f'],
};

/** A server that knows nothing of max_pages, and whose largest WRITE is larger than the kernel's then. */
const fewPages: Scene = {
  name: 'few-pages',
  server: ['--minor', '27', '--max-write', '262144'],
  client: ['open f file RDWR|CREAT|DIRECT', 'fill f 1 128K 64K', 'drain f 64K', 'close f'],
};

export const OTHERS: readonly Scene[] = [
  malformed,
  shortInit,
  retrieved,
  older,
  large,
  small,
  fewPages,
];
