/**
 * What a sleeping thread waits on, beyond its call's arguments: a poll without timeout still ends by
 * itself when a timer is among its descriptors, and by somebody outside when a network socket is.
 * Read from /proc: fd links, and fdinfo of epoll and timerfd.
 */
import { readFileSync, readlinkSync } from 'node:fs';

export type Source = 'inside' | 'timer' | 'outside';

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(pid: number, fd: number): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
}

/** Local sockets are listed by inode (unix_seq_show); all others reach outside. */
const isLocal = (pid: number, inode: string): boolean =>
  text(`/proc/${pid}/net/unix`).includes(` ${inode} `) ||
  new RegExp(` ${inode}$`, 'm').test(text(`/proc/${pid}/net/unix`));

/** What can make one descriptor ready; `file`: what is said of a file with a path. */
export function sourceOf(pid: number, fd: number, file: Source = 'inside'): Source {
  const to = link(pid, fd);
  if (to === 'anon_inode:[timerfd]') {
    const armed = !/^it_value: \(0, 0\)$/m.test(text(`/proc/${pid}/fdinfo/${fd}`));
    return armed ? 'timer' : 'inside';
  }
  if (to === 'anon_inode:[eventpoll]') return epollSource(pid, fd);
  const socket = /^socket:\[(\d+)\]$/.exec(to);
  if (socket !== null) return isLocal(pid, socket[1] ?? '') ? 'inside' : 'outside';
  if (to === 'anon_inode:inotify') return 'outside';
  // Terminals and other devices; /dev/null is never ready later than now.
  if (to.startsWith('/dev/') && to !== '/dev/null') return 'outside';
  return to.startsWith('/') ? file : 'inside';
}

/** The strongest of an epoll set's descriptors (ep_show_fdinfo). */
export function epollSource(pid: number, epoll: number): Source {
  const fds = [...text(`/proc/${pid}/fdinfo/${epoll}`).matchAll(/^tfd:\s+(\d+)/gm)].map(([, fd]) =>
    Number(fd),
  );
  return strongest(fds.filter((fd) => fd !== epoll).map((fd) => sourceOf(pid, fd)));
}

export function strongest(sources: readonly Source[]): Source {
  if (sources.includes('outside')) return 'outside';
  return sources.includes('timer') ? 'timer' : 'inside';
}
