/** Rename storms: chains, swaps, directories into directories, over existing names, by two processes. */
import { Prng } from '../prng.ts';
import { times, type Workload } from './workload.ts';

const RENAMES = { small: 150, full: 5000 } as const;
const NAMES = 12;

/** Renames among a few names of `dir`, so that sources are often missing and targets often there. */
function storm(dir: string, seed: number, count: number): string[] {
  const prng = new Prng(seed);
  const name = () => `${dir}/n${prng.below(NAMES)}`;
  return times(count, () => {
    const flags = prng.pick(['', '', '', ' NOREPLACE', ' EXCHANGE']);
    return `rename ${name()} ${name()}${flags}`;
  });
}

export const renames: Workload = {
  name: 'renames',
  needs: ['write'],
  programs: [],
  async run({ mountpoint, seed, size }, log) {
    const fill = (dir: string) => [
      `mkdir ${dir}`,
      ...times(NAMES / 2, (i) => [
        `open f ${dir}/n${i} RDWR|CREAT`,
        `fill f ${i} ${100 * i} 4K`,
        'close f',
      ]).flat(),
      `mkdir ${dir}/n${NAMES - 1}`,
    ];
    const contents = (dir: string) =>
      times(NAMES, (i) => [`open f ${dir}/n${i} RDONLY`, 'drain f 4K', 'close f']).flat();
    await log.client(mountpoint, [
      'mkdir renames',
      ...fill('renames/a'),
      ...fill('renames/b'),
      'spawn other',
      ...storm('renames/b', seed + 1, RENAMES[size]),
      'end',
      ...storm('renames/a', seed, RENAMES[size]),
      'join other',
      'list renames/a',
      'list renames/b',
      ...contents('renames/a'),
      ...contents('renames/b'),
      'rename renames/a renames/b',
      'rename renames/a renames/b/inside',
      'rename renames/b renames/b/inside/loop',
      'list renames/b/inside',
      'stat renames/b/inside',
    ]);
  },
};
