/** Every fault there is. A fault nobody lists does not exist. */
import { abort } from './abort.ts';
import { clone } from './clone.ts';
import { cloneLoss } from './clone_loss.ts';
import { commit } from './commit.ts';
import { cqe } from './cqe.ts';
import { device } from './device.ts';
import type { Fault } from './fault.ts';
import { force } from './force.ts';
import { ioctl } from './ioctl.ts';
import { lazy } from './lazy.ts';
import { mount } from './mount.ts';
import { read } from './read.ts';
import { register } from './register.ts';
import { restart } from './restart.ts';
import { ringSetup } from './ring_setup.ts';
import { sigint } from './sigint.ts';
import { sigkill } from './sigkill.ts';
import { sigterm } from './sigterm.ts';
import { spliceRead } from './splice_read.ts';
import { spliceWrite } from './splice_write.ts';
import { unmount } from './unmount.ts';
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
];

const byName = new Map(FAULTS.map((fault) => [fault.name, fault]));

export const faultOf = (name: string): Fault | undefined => byName.get(name);
