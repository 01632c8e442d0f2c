/**
 * flock(2), POSIX and open file description locks between processes: refused, waited for and granted,
 * interrupted, and waited for by a process that is killed.
 */
import { times, type Workload } from './workload.ts';

const ROUNDS = { small: 1, full: 20 } as const;

/** One process holds, another waits in `call` until it is let in. */
const granted = (take: string, wait: readonly string[], call: string, give: string) => [
  take,
  'spawn waiter',
  'open w locks/file RDWR',
  ...wait,
  'close w',
  'end',
  `blocked waiter ${call}`,
  give,
  'join waiter',
];

/** One process holds, another waits until a signal comes; the lock is still held afterwards. */
const ended = (take: string, wait: string, call: string, signal: string, give: string) => [
  take,
  'spawn waiter',
  'open w locks/file RDWR',
  wait,
  'end',
  `blocked waiter ${call}`,
  `signal waiter ${signal}`,
  'join waiter',
  give,
];

const refused = (operation: string) => [
  'spawn other',
  'open o locks/file RDWR',
  operation,
  'end',
  'join other',
];

/**
 * Given back before the close: where the server keeps the locks, the kernel knows of none to release
 * then (locks_remove_posix finds the inode's list empty), and it would be held for ever.
 */
const OFD = ['ofd_setlkw w WR 0 0', 'ofd_setlk w UN 0 0'];

export const locks: Workload = {
  name: 'locks',
  needs: ['write'],
  programs: [],
  waits: true,
  async run({ mountpoint, size }, log) {
    const take = 'setlk f WR 0 100';
    const wait = 'setlkw w WR 50 100';
    const round = [
      ...granted('flock f EX', ['flock w EX'], 'flock', 'flock f UN'),
      ...ended('flock f EX', 'flock w SH', 'flock', 'USR1', 'flock f UN'),
      ...ended('flock f EX', 'flock w EX', 'flock', 'KILL', 'flock f UN'),
      ...granted(take, [wait], 'fcntl', 'setlk f UN 0 100'),
      ...ended(take, wait, 'fcntl', 'USR1', 'setlk f UN 0 100'),
      ...ended(take, wait, 'fcntl', 'KILL', 'setlk f UN 0 100'),
      ...granted('ofd_setlk f RD 10 5', OFD, 'fcntl', 'ofd_setlk f UN 0 0'),
      'setlk f WR 10 10',
      ...refused('setlk o RD 15 1'),
      ...refused('getlk o RD 0 0'),
      ...refused('setlk o WR 20 10'),
      'flock f SH',
      ...refused('flock o SH|NB'),
      ...refused('flock o EX|NB'),
      'setlk f UN 0 0',
      'flock f UN',
    ];
    await log.client(mountpoint, [
      'mkdir locks',
      'open f locks/file RDWR|CREAT',
      ...times(ROUNDS[size], () => round).flat(),
      // Locks die with the descriptor.
      'setlk f WR 0 0',
      'flock f EX',
      'close f',
      ...refused('setlk o WR 0 0'),
      ...refused('flock o EX|NB'),
    ]);
  },
};
