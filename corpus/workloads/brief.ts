/** A little of everything in some thirty requests: for captures that are replayed thousands of times. */
import type { Workload } from './workload.ts';

export const brief: Workload = {
  name: 'brief',
  needs: ['write', 'direct'],
  programs: [],
  async run({ mountpoint }, log) {
    await log.client(mountpoint, [
      'mkdir d',
      'open f d/file RDWR|CREAT|DIRECT',
      'fill f 1 8K 4K',
      'drain f 4K',
      'close f',
      'stat d/none',
      'rename d/file d/other',
      'open g d/other RDONLY',
      'spawn beside',
      'open h d/more RDWR|CREAT',
      'close h',
      'end',
      'read g 4096 0',
      'join beside',
      'close g',
      'list d',
      'unlink d/more',
      'unlink d/other',
      'rmdir d',
    ]);
  },
};
