/** Every fault there is. A fault nobody lists does not exist. */
import { abort } from './abort.ts';
import { backingFiles } from './backing_files.ts';
import { backingWrite } from './backing_write.ts';
import { clone } from './clone.ts';
import { cloneLoss } from './clone_loss.ts';
import { commit } from './commit.ts';
import { cqe } from './cqe.ts';
import { descriptor } from './descriptor.ts';
import { device } from './device.ts';
import { eventfd } from './eventfd.ts';
import type { Fault } from './fault.ts';
import { fds } from './fds.ts';
import { force } from './force.ts';
import { forgets } from './forgets.ts';
import { fork } from './fork.ts';
import { hold } from './hold.ts';
import { interrupt } from './interrupt.ts';
import { ioctl } from './ioctl.ts';
import { lazy } from './lazy.ts';
import { locked } from './locked.ts';
import { malformed } from './malformed.ts';
import { mappings } from './mappings.ts';
import { maxPages } from './max_pages.ts';
import { memory } from './memory.ts';
import { migrate } from './migrate.ts';
import { mlock } from './mlock.ts';
import { mmap } from './mmap.ts';
import { mount } from './mount.ts';
import { notOffered } from './not_offered.ts';
import { open } from './open.ts';
import { processes } from './processes.ts';
import { read } from './read.ts';
import { readahead } from './readahead.ts';
import { register } from './register.ts';
import { restart } from './restart.ts';
import { ringSetup } from './ring_setup.ts';
import { sigint } from './sigint.ts';
import { sigkill } from './sigkill.ts';
import { sigterm } from './sigterm.ts';
import { space } from './space.ts';
import { spliceRead } from './splice_read.ts';
import { spliceWrite } from './splice_write.ts';
import { unmount } from './unmount.ts';
import { uringRegister } from './uring_register.ts';
import { write } from './write.ts';

export const FAULTS: readonly Fault[] = [
  // What a call or a CQE ends with.
  read,
  spliceRead,
  write,
  spliceWrite,
  ioctl,
  clone,
  mount,
  ringSetup,
  register,
  cqe,
  commit,
  // How a session ends.
  unmount,
  lazy,
  force,
  abort,
  device,
  cloneLoss,
  sigterm,
  sigint,
  sigkill,
  restart,
  // What a call of the server's own ends with.
  open,
  descriptor,
  eventfd,
  mmap,
  mlock,
  uringRegister,
  fork,
  backingWrite,
  // What it runs out of.
  fds,
  memory,
  locked,
  mappings,
  processes,
  space,
  backingFiles,
  // In which order, when, and in which shape it is asked.
  hold,
  migrate,
  interrupt,
  forgets,
  malformed,
  readahead,
  maxPages,
  notOffered,
];

const byName = new Map(FAULTS.map((fault) => [fault.name, fault]));

export const faultOf = (name: string): Fault | undefined => byName.get(name);
