/**
 * Mounts of type "fuseblk": what only they are asked (KERNEL 1.12, 3.2). They need a loop device, which
 * not every machine has.
 */
import { existsSync } from 'node:fs';
import { carried, commit, dump, enter, taken } from '../ring_words.ts';
import {
  call,
  client,
  close,
  DIRECTORY,
  type MountWords,
  mounted,
  on,
  poll,
  read,
  reply,
  type Step,
  section,
  serve,
  signal,
  umount,
} from '../step.ts';

/** Why these cannot be asked here; undefined if they can. */
export const whyNoBlock = (): string | undefined =>
  existsSync('/dev/loop-control') ? undefined : 'there are no loop devices';

export const BLOCK_MOUNT: MountWords = { source: '/proc/self/fd/@l', fstype: 'fuseblk' };
const attached = (words: MountWords = {}): Step[] => [
  call('loop', 'l'),
  ...mounted({ ...BLOCK_MOUNT, ...words }),
];
const blockReady = (): Step[] => [...attached(), read(), reply()];
const leave = on('u', umount());
const withFile = (): Step[] => [...blockReady(), client('c', 'open x m/f RDWR'), ...serve(2)];

const SHOWN = 'fuseblk rw,user_id=0,group_id=0,blksize=4096';

// biome-ignore format: one row a probe
export const BLOCK = section('1.12b', [
  ['is mounted', [...blockReady(), call('mountinfo', 'm'), client('c', 'statfs m'), read(), reply()], [SHOWN, 'asleep', 40, 96]],
  ['with a block size', [...attached({ options: `fd=@a,${DIRECTORY},blksize=1024` }), call('mountinfo', 'm')], [SHOWN]],
  ['SYNCFS', [...blockReady(), client('c', 'open x m RDONLY|DIRECTORY'), ...serve(1), client('c', 'syncfs x'), read(), reply(), read()], [48, 16, 'EAGAIN']],
  ['SYNCFS answered with ENOSYS is remembered', [...blockReady(), client('c', 'open x m RDONLY|DIRECTORY'), ...serve(1), client('c', 'syncfs x'), read(), reply({ error: -38 }), client('c', 'syncfs x'), read()], [48, 16, '0', 'EAGAIN']],
  ['SYNCFS answered with an error', [...blockReady(), client('c', 'open x m RDONLY|DIRECTORY'), ...serve(1), client('c', 'syncfs x'), read(), reply({ error: -5 }), read()], [48, 16, 'EAGAIN']],
  ['BMAP', [...withFile(), client('c', 'bmap x 3'), read(), reply({ body: Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0) })], [56, 24]],
  ['BMAP answered with ENOSYS is remembered', [...withFile(), client('c', 'bmap x 3'), read(), reply({ error: -38 }), client('c', 'bmap x 4'), read()], [56, 16, '0', 'EAGAIN']],
  ['BMAP answered with an error', [...withFile(), client('c', 'bmap x 3'), read(), reply({ error: -5 })], [56, 16]],
  ['DESTROY at the unmount, which waits for its answer', [...blockReady(), leave, read(), reply(), read(), poll()], ['asleep', 40, 16, 'ENODEV', 'ERR']],
  ['DESTROY answered with an error', [...blockReady(), leave, read(), reply({ error: -5 }), read()], ['asleep', 40, 16, 'ENODEV']],
  ['DESTROY answered with a body', [...blockReady(), leave, read(), reply({ body: new Uint8Array(8) }), read()], ['asleep', 40, 'EINVAL', 'ENODEV']],
  ['DESTROY: the server goes instead', [...blockReady(), leave, read(), close()], ['asleep', 40, 0]],
  ['DESTROY: the connection is aborted instead', [...blockReady(), call('fusectl', 'a', 'abort', '1'), umount(), read()], [1, 0, 'ENODEV']],
  ['DESTROY: who unmounts is signalled', [...blockReady(), leave, read(), signal('u', 'USR1'), read(), reply()], [40, 'asleep', 48, 16]],
  ['no DESTROY before INIT is answered', [...attached(), read(), umount(), read()], [104, 0, 'ENODEV']],
  ['no DESTROY of a refused connection', [...attached(), read(), reply({ error: -5 }), umount(), read()], [16, 0, 'ENODEV']],
  ['no DESTROY when it is forced', [...blockReady(), umount('m', 'FORCE'), read()], [0, 'ENODEV']],
  ['a lazy unmount waits for it too', [...blockReady(), on('u', umount('m', 'DETACH')), read(), reply()], ['asleep', 40, 16]],
  ['busy', [...withFile(), umount(), read()], ['EBUSY', 'EAGAIN']],
  ['over the ring', [...carried({ mount: BLOCK_MOUNT }).toSpliced(0, 0, call('loop', 'l')), leave, ...taken('e0'), commit('e0'), enter()], ['asleep', 'e0 0', 0, 'e0 ENOTCONN', '-']],
  ['BMAP and SYNCFS over the ring', [...carried({ mount: BLOCK_MOUNT }).toSpliced(0, 0, call('loop', 'l')), client('c', 'open x m/f RDWR'), ...taken('e0'), commit('e0'), dump('e0'), commit('e0'), client('c', 'bmap x 3'), ...taken('e0'), commit('e0', { body: Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0) }), client('c', 'syncfs x'), ...taken('e0'), commit('e0')], ['asleep', 'e0 0', 0, '-']],
]);
