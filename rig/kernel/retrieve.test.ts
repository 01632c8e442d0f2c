/** RETRIEVE, and the request that answers it (fuse_notify_retrieve() in fs/fuse/dev.c). */
import { describe, expect, it } from 'vitest';
import { encodeNotification } from '../protocol/notify.ts';
import { Scene } from './scene.ts';

const bytes = (size: number) => new Uint8Array(size);
const scene = () => Scene.ready();

describe('RETRIEVE', () => {
  const retrieve = encodeNotification('RETRIEVE', { nodeid: 2n, size: 9, notify_unique: 98n });

  it('of a dead connection is ENOTCONN: what it would bring is a request', () => {
    const it = scene();
    it.kernel.abort(it.conn);
    expect(it.write(retrieve)).toBe('ENOTCONN');
    expect(it.kernel.waiting(it.conn)).toBe(0);
  });

  it('is answered in the name of the thread that wrote it', () => {
    const it = scene();
    it.kernel.notifyReply(it.conn, 98n, 2n, bytes(40), { uid: 5, gid: 6, pid: 7 });
    const { uid, gid, pid, unique } = it.take();
    expect({ uid, gid, pid, unique }).toEqual({ uid: 5, gid: 6, pid: 7, unique: 98n });
  });
});
