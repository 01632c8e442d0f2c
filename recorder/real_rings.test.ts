/** FUSE over io_uring with the real kernel: what goes through, and what its server must not see. */
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { HEADERS } from '../rig/kernel/ring/testing/scene.ts';
import { concat, writeU32 } from '../rig/protocol/cursor.ts';
import { bareReply } from '../rig/protocol/header.ts';
import type { Request } from '../rig/protocol/message.ts';
import { encodeNotification } from '../rig/protocol/notify.ts';
import { OP_IN_OFFSET, opInSize } from '../rig/protocol/ring.ts';
import { answer, CONTENT, digest } from './testing/answers.ts';
import { CPUS, whyNoRing } from './testing/ring_host.ts';
import { RealScene, type SceneOptions } from './testing/ring_scene.ts';

const why = whyNoRing();
const STALE = 0xaa;
let scene: RealScene;
const open = (options?: SceneOptions): RealScene => {
  scene = new RealScene(options);
  return scene;
};

beforeEach((context) => context.skip(why !== undefined, why));
afterEach(async () => {
  if (why === undefined) await scene.end();
});

const unwritten = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === STALE);

describe('a request', () => {
  it('comes to the queue of its CPU, and its buffers change hands', async () => {
    open().ready();
    for (let cpu = 0; cpu < CPUS; cpu++) {
      scene.owners.length = 0;
      scene.cqes.length = 0;
      const client = scene.client(cpu, 'access @ 4');
      const taken = await scene.take();
      const { unique, name } = taken.request;
      expect([name, taken.entry.qid, taken.entry.state]).toEqual(['ACCESS', cpu, 'USERSPACE']);
      expect(scene.reply(taken, -13)).toBe('HELD');
      expect(await client).toEqual(['EACCES']);
      expect(scene.cqes).toEqual([`${cpu}/0 0`]);
      expect(scene.owners).toEqual([`${cpu}/0 server ${unique}`, `${cpu}/0 kernel ${unique}`]);
      expect(taken.entry).toMatchObject({ state: 'AVAILABLE', held: true, owner: 'kernel' });
    }
    expect(scene.read()).toBe('BLOCK');
  });

  it('lies in the buffers as the kernel lays it out, and nothing else is written', async () => {
    open().ready();
    const seen = new Map<string, Request>();
    scene.rings.onDelivery = ({ headers, payload }) => {
      scene.memory.at(headers, HEADERS).fill(STALE);
      scene.memory.at(payload, 8192).fill(STALE);
    };
    const check = (request: Request) => {
      seen.set(request.name, request);
      const entry = scene.entry();
      const n = opInSize(request.opcode, request.negotiated);
      const head = scene.memory.at(entry.headers, HEADERS);
      expect(unwritten(head.subarray(40, OP_IN_OFFSET)), request.name).toBe(true);
      expect(unwritten(head.subarray(OP_IN_OFFSET + n, 256)), request.name).toBe(true);
      const size = request.bytes.length - 40 - n;
      expect(unwritten(scene.memory.at(entry.payload, 8192).subarray(size))).toBe(true);
      return answer(request);
    };
    const lines = ['setxattr @/f user.a value', 'rename @/f @/g', 'chmod @/f 0600', 'unlink @/f'];
    const client = scene.client(0, 'open s @/f RDWR', 'write s 1 100 7', ...lines, 'statfs @');
    await scene.serve(check, client);
    expect(await client).toEqual(['0', '100', 'EOPNOTSUPP', 'EXDEV', 'EPERM', 'EPERM', 'ENOSYS']);
    expect([...(seen.get('LOOKUP')?.body ?? [])]).toEqual([0x66, 0]);
    expect(seen.get('SETXATTR')?.args).toMatchObject({ size: 5 });
    expect([...seen.keys()]).toEqual(
      expect.arrayContaining(['LOOKUP', 'OPEN', 'WRITE', 'SETXATTR', 'RENAME', 'UNLINK', 'STATFS']),
    );
    expect(seen.get('WRITE')?.args).toMatchObject({ size: 100, offset: 7n });
  });

  it('is served with its content, both ways', async () => {
    open().ready(2);
    const client = scene.client(0, 'open s @/f RDONLY', 'drain s 4096', 'stat @/f', 'stat @/none');
    const names = await scene.serve(answer, client);
    expect(await client).toEqual([
      '0',
      `${CONTENT.length} ${digest(CONTENT)}`,
      `100644 0:0 size ${CONTENT.length} links 1`,
      'ENOENT',
    ]);
    expect(names).toContain('READ');
  });

  it('waits where no entry is free, and comes with the next commit', async () => {
    open().ready();
    const clients = [1, 2, 3].map(() => scene.client(0, 'access @ 4'));
    const first = await scene.take();
    await scene.waiting(3);
    expect(scene.requests).toEqual([]);
    scene.reply(first, -1);
    const second = await scene.take();
    scene.reply(second, -2);
    scene.reply(await scene.take(), -3);
    const results = await Promise.all(clients);
    expect(results.flat().sort()).toEqual(['ENOENT', 'EPERM', 'ESRCH']);
  });

  it('of a whole batch is answered with one flush', async () => {
    open().ready(3);
    const clients = [1, 2, 3].map(() => scene.client(0, 'access @ 4'));
    const taken = [await scene.take(), await scene.take(), await scene.take()];
    for (const { request, entry } of taken) {
      scene.prepare(entry, bareReply(request.unique, -1));
      expect(scene.commit(request.unique, 0)).toBe('HELD');
    }
    await scene.until('a moment', scene.moment());
    expect(scene.numberWaiting()).toBe(3);
    scene.rings.flush();
    expect((await Promise.all(clients)).flat()).toEqual(['EPERM', 'EPERM', 'EPERM']);
  });

  it('is the same as any other where it is a NOTIFY_REPLY', async () => {
    open().ready(2);
    const client = scene.client(0, 'open s @/f RDONLY', 'read s 10', 'access @ 4');
    const names: string[] = [];
    for (;;) {
      const taken = await scene.take();
      if (taken.request.name !== 'ACCESS') {
        names.push(taken.request.name);
        scene.reply(taken, answer(taken.request, true));
        continue;
      }
      // The file's pages are there: the kernel is asked for them.
      const notice = encodeNotification('RETRIEVE', {
        notify_unique: 77n,
        nodeid: 2n,
        offset: 0n,
        size: 100,
      });
      expect(scene.kernel.write(scene.handle, notice, notice.length)).toBe(notice.length);
      const { request, entry } = await scene.take();
      expect([request.name, request.unique]).toEqual(['NOTIFY_REPLY', 77n]);
      expect(request.body.subarray(40)).toEqual(CONTENT.subarray(0, 100));
      expect(scene.reply({ request, entry }, bareReply(77n, 0))).toBe('HELD');
      scene.reply(taken, 0);
      break;
    }
    await scene.serve(answer, client);
    expect((await client).at(-1)).toBe('0');
    expect(names).toContain('READ');
  });
});

describe('a reply', () => {
  const body = new Uint8Array(8);
  const ok = (unique: bigint, bytes = body) => concat([bareReply(unique, 0), bytes]);
  test.each<[string, (scene: RealScene, unique: bigint) => Uint8Array, string]>([
    ['unique 0', () => bareReply(0n, 0), 'EINVAL'],
    ['error above 0', (_, unique) => bareReply(unique, 5), 'EINVAL'],
    ['error -512', (_, unique) => bareReply(unique, -512), 'EINVAL'],
    ['error -511', (_, unique) => bareReply(unique, -511), 'errno 511'],
    ['error of another request', (_, unique) => bareReply(unique + 2n, -5), 'EIO'],
    ['another unique', (_, unique) => bareReply(unique + 2n, 0), 'ENOENT'],
    ['a body where there is none', (_, unique) => ok(unique), 'EINVAL'],
    ['a body beyond the buffer', (_, unique) => ok(unique, new Uint8Array(9000)), 'EINVAL'],
    ['success', (_, unique) => bareReply(unique, 0), '0'],
  ])('with %s: the client sees %#', async (_, reply, result) => {
    open().ready();
    const client = scene.client(0, 'access @ 4');
    const taken = await scene.take();
    expect(scene.reply(taken, reply(scene, taken.request.unique))).toBe('HELD');
    expect(await client).toEqual([result]);
    expect(scene.cqes).toEqual(['0/0 0']);
    // The entry goes on.
    const again = scene.client(0, 'access @ 4');
    scene.reply(await scene.take(), -13);
    expect(await again).toEqual(['EACCES']);
  });

  test.each([
    ['its header', 0, 'headers'],
    ['ring_ent_in_out', 256, 'headers'],
    ['the payload', 0, 'payload'],
  ] as const)('that cannot be read, %s: EFAULT', async (_, at, where) => {
    open().ready();
    const client = scene.client(0, 'stat @/f');
    const taken = await scene.take();
    const { entry, request } = taken;
    scene.prepare(entry, answer(request));
    scene.memory.unmap(entry[where] + at, 16);
    expect(scene.commit(request.unique)).toBe('HELD');
    scene.rings.flush();
    scene.memory.holes.length = 0;
    expect(await client).toEqual(['EFAULT']);
    expect(scene.cqes).toEqual(['0/0 0']);
  });

  it('that is an error needs no payload that can be read', async () => {
    open().ready();
    const client = scene.client(0, 'access @ 4');
    const { entry, request } = await scene.take();
    scene.prepare(entry, bareReply(request.unique, -1), 4000);
    scene.memory.unmap(entry.payload, 8192);
    scene.memory.unmap(entry.headers + 256, 32);
    scene.commit(request.unique);
    scene.rings.flush();
    scene.memory.holes.length = 0;
    expect(await client).toEqual(['EPERM']);
  });

  it('may be longer by its len field: nobody looks at that', async () => {
    open().ready();
    const client = scene.client(0, 'access @ 4');
    const taken = await scene.take();
    const reply = bareReply(taken.request.unique, 0);
    writeU32(reply, 0, 12345);
    scene.reply(taken, reply);
    expect(await client).toEqual(['0']);
  });
});

describe('buffers that cannot be written', () => {
  test.each([
    ['in_out', 0, 'headers', 'access @ 4'],
    ['op_in', 128, 'headers', 'access @ 4'],
    ['ring_ent_in_out', 256, 'headers', 'access @ 4'],
    ['the payload', 0, 'payload', 'stat @/f'],
  ] as const)(
    '%s: EFAULT for the client, no CQE, and the entry goes on',
    async (_, at, where, call) => {
      open().ready();
      const entry = scene.entry();
      scene.memory.unmap(entry[where] + at, 16);
      const clients = [scene.client(0, call), scene.client(0, call)];
      const results = await scene.while(Promise.all(clients));
      expect(results).toEqual([['EFAULT'], ['EFAULT']]);
      expect([scene.cqes, entry.state, entry.held]).toEqual([[], 'AVAILABLE', true]);
      expect(scene.owners.slice(-2)).toEqual(['0/0 kernel 0', '0/0 kernel 0']);
      scene.memory.holes.length = 0;
      const again = scene.client(0, call);
      scene.reply(await scene.take(), -13);
      expect(await again).toEqual(['EACCES']);
      expect(scene.cqes).toEqual(['0/0 0']);
    },
  );

  it('of a process that is gone: the request is cancelled, and its entry gone', async () => {
    open();
    const { memory } = scene;
    const [read, room] = [memory.read.bind(memory), memory.room.bind(memory)];
    const gone = { read, room, write: () => -3, put: () => -3 };
    scene.ready();
    for (let qid = 0; qid < CPUS; qid++) scene.register(qid, scene.slot(), {}, 1, gone);
    scene.rings.flush();
    // The last one registered is taken first.
    const client = scene.client(0, 'access @ 4');
    expect(await scene.while(client)).toEqual(['ECANCELED']);
    expect([scene.cqes, scene.entry(0, 1).held]).toEqual([['0/1 ECANCELED'], false]);
    const again = scene.client(0, 'access @ 4');
    scene.reply(await scene.take(), -13);
    expect(await again).toEqual(['EACCES']);
  });
});
