/** Large sequential writes and reads in small and large blocks, cached (dd) and with O_DIRECT (direct). */
import type { Workload, WorkloadPlace } from './workload.ts';

const TOTAL = { small: '8M', full: '256M' } as const;

function operations(dir: string, flags: string, { seed, size }: WorkloadPlace): string[] {
  const total = TOTAL[size];
  return ['4K', '1M'].flatMap((block) => [
    `open w ${dir}/${block} WRONLY|CREAT|TRUNC${flags}`,
    `fill w ${seed} ${total} ${block}`,
    'fsync w',
    'close w',
    `stat ${dir}/${block}`,
    `open r ${dir}/${block} RDONLY${flags}`,
    `drain r ${block}`,
    'close r',
    // Another way to read the same: must give the same digest.
    `open r ${dir}/${block} RDONLY`,
    'drain r 128K',
    'read r 1000 12345',
    'close r',
    `truncate ${dir}/${block} 5000`,
    `stat ${dir}/${block}`,
    `unlink ${dir}/${block}`,
  ]);
}

export const dd: Workload = {
  name: 'dd',
  needs: ['write'],
  programs: [],
  run: (place, log) => log.client(place.mountpoint, ['mkdir dd', ...operations('dd', '', place)]),
};

export const direct: Workload = {
  name: 'direct',
  needs: ['write', 'direct'],
  programs: [],
  run: (place, log) =>
    log.client(place.mountpoint, ['mkdir direct', ...operations('direct', '|DIRECT', place)]),
};
