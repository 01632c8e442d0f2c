/**
 * Messages the server sends of itself, through the control file of fuse-rig-server's memory file
 * system (native/servers/memory_control.cc): what the kernel has cached changes under the clients.
 * The server sends behind the write's back, so each step waits for
 * its line in the control file's list of results.
 */
import type { Workload } from './workload.ts';

/** One write of a command into the control file. */
const tell = (command: string) => `put c ${command.replaceAll('%', '%25').replaceAll(' ', '%20')}`;
/** Waits for the list's line that begins so; says how it ended. */
const sent = (line: string) => `await c ${line.replaceAll(' ', '%20')}`;

export const notifications: Workload = {
  name: 'notifications',
  needs: ['write', 'notify'],
  programs: [],
  async run({ mountpoint }, log) {
    await log.client(mountpoint, [
      'open c .control RDWR',
      'mkdir notify',
      'open f notify/file RDWR|CREAT',
      'fill f 1 10000 4K',
      'fsync f',
      'drain f 4K',
      // Changed behind the kernel: seen only after the invalidation.
      tell('put notify/file 100 changed'),
      'drain f 4K',
      tell('inval notify/file 0 0'),
      sent('inval notify/file:'),
      'drain f 4K',
      tell('store notify/file 200 stored-text'),
      sent('store notify/file:'),
      'drain f 4K',
      tell('retrieve notify/file 0 300'),
      sent('retrieved '),
      tell('entry notify/file'),
      sent('entry notify/file:'),
      tell('expire notify/file'),
      sent('expire notify/file:'),
      'stat notify/file',
      tell('delete notify/file'),
      sent('delete notify/file:'),
      'stat notify/file',
      'fstat f',
      tell('inval notify/none'),
      tell('nonsense notify'),
      tell('entry notify'),
      sent('entry notify:'),
      'list notify',
    ]);
  },
};
