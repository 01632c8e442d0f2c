/** Several processes at once: each with files of its own, its own part of a shared one, its own names. */
import { times, type Workload } from './workload.ts';

const CLIENTS = { small: 4, full: 16 } as const;
const ROUNDS = { small: 4, full: 32 } as const;
const PART = 256 * 1024;

export const concurrent: Workload = {
  name: 'concurrent',
  needs: ['write'],
  programs: [],
  async run({ mountpoint, seed, size }, log) {
    const clients = times(CLIENTS[size], (i) => i);
    const block = (i: number) => [
      `spawn c${i}`,
      'open s concurrent/shared RDWR',
      `mkdir concurrent/d${i}`,
      ...times(ROUNDS[size], (round) => [
        `fill s ${seed + i} ${PART} 16K ${i * PART}`,
        `open f concurrent/d${i}/f${round} RDWR|CREAT|EXCL`,
        `fill f ${seed + round} 50000 3000`,
        'drain f 7000',
        'close f',
        `rename concurrent/d${i}/f${round} concurrent/d${i}/g${round}`,
        `stat concurrent/d${i}/g${round}`,
        ...(round % 2 === 0 ? [] : [`unlink concurrent/d${i}/g${round}`]),
      ]).flat(),
      `list concurrent/d${i}`,
      'close s',
      'end',
    ];
    await log.client(mountpoint, [
      'mkdir concurrent',
      'open s concurrent/shared RDWR|CREAT',
      `ftruncate s ${clients.length * PART}`,
      ...clients.flatMap(block),
      ...clients.map((i) => `join c${i}`),
      'drain s 64K',
      'list concurrent',
      // Readers of one file at the same time.
      ...clients.flatMap((i) => [
        `spawn r${i}`,
        'open s concurrent/shared RDONLY',
        'drain s 40000',
        'end',
      ]),
      ...clients.map((i) => `join r${i}`),
    ]);
  },
};
