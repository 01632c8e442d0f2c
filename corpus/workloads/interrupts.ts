/**
 * Signals that arrive while calls are with the server. Work goes on under a rain of them: what a call
 * returns must not change, except that waiting for a lock ends with EINTR.
 */
import { times, type Workload } from './workload.ts';

const SIGNALS = { small: 60, full: 2000 } as const;
const ROUNDS = { small: 30, full: 400 } as const;

export const interrupts: Workload = {
  name: 'interrupts',
  needs: ['write'],
  programs: [],
  waits: true,
  async run({ mountpoint, seed, size }, log) {
    const work = (i: number) => [
      `open f interrupts/f${i % 5} RDWR|CREAT|TRUNC`,
      `fill f ${seed + i} 64K 4K`,
      'drain f 4K',
      'close f',
      `stat interrupts/f${i % 5}`,
      'list interrupts',
    ];
    await log.client(mountpoint, [
      'mkdir interrupts',
      ...times(5, (i) => [`open f interrupts/f${i} RDWR|CREAT`, 'close f']).flat(),
      'spawn busy',
      ...times(ROUNDS[size], work).flat(),
      'end',
      `pester busy ${SIGNALS[size]}`,
      'join busy',
      'open f interrupts/f0 RDWR',
      'flock f EX',
      ...times(SIGNALS[size] / 20, (i) => [
        `spawn w${i}`,
        'open w interrupts/f0 RDWR',
        'flock w EX',
        'end',
        `blocked w${i} flock`,
        `signal w${i} USR1`,
        `join w${i}`,
      ]).flat(),
      'flock f UN',
    ]);
  },
};
