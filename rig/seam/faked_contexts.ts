/**
 * File system contexts in front of a Kernel that has no real ones: what the server holds is a
 * descriptor that only stands for something, what it says to it is the model's to judge.
 */
import { native } from '../../native/load.ts';
import { BLOCK, type ConnId, type MountCall, type MountResult } from '../kernel/kernel.ts';
import { MountContext } from '../kernel/mount-context.ts';
import { ERRNO } from '../protocol/errno.ts';
import { bound } from './binding.ts';
import { injectMounted, mountOrFault } from './device_faults.ts';
import type { DevicePort } from './device_port.ts';
import { FSCONFIG } from './mount_words.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';

const { EBUSY, EINVAL, EMFILE } = ERRNO;
const O_CLOEXEC = 0o2000000;
/** FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC. */
const CLOEXEC = 1;

/** A faked context, and the mount that fsmount made of it: the connection it created. */
export interface Context {
  readonly context: MountContext;
  conn: ConnId;
}

/** A mount that waits for its INIT (SYNC_INIT). */
export interface Waiting {
  readonly slot: number;
  readonly tid: number;
  readonly call: MountCall;
  readonly handle: PortHandle;
  /** Told its result before the caller is. */
  readonly ended?: (result: number) => void;
}

/** Who answers the creation of a superblock, which may have to wait. */
export interface Creation {
  answered(
    slot: number,
    tid: number,
    call: MountCall,
    handle: PortHandle | undefined,
    result: MountResult,
  ): void;
  waits(waiting: Waiting): void;
}

export class FakedContexts {
  readonly #w: PortWiring;
  readonly #device: DevicePort;
  readonly #creation: Creation;

  constructor(wiring: PortWiring, device: DevicePort, creation: Creation) {
    this.#w = wiring;
    this.#device = device;
    this.#creation = creation;
  }

  /** The context at an index of the range, if one lies there. */
  at(index: number): Context | undefined {
    const entry = this.#device.table.get(index);
    return entry !== undefined && 'context' in entry ? entry : undefined;
  }

  open(fstype: string): void {
    this.#standIn({ context: new MountContext(fstype), conn: 0 }, this.#w.trap.int(1));
  }

  /** A descriptor of the range: the read end of a pipe. */
  #standIn(context: Context, flags: number): void {
    const { seam, trap } = this.#w;
    const index = this.#device.table.take(context);
    if (index < 0) {
      seam.respond(trap.slot, -EMFILE);
      return;
    }
    const [read, write] = native.pipePair();
    seam.installFd(trap.slot, read, index, (flags & (CLOEXEC | O_CLOEXEC)) !== 0);
    native.closeFd(read);
    native.closeFd(write);
  }

  /** fsconfig(2); `key` undefined where the caller gave none. */
  configure(faked: Context, key: string | undefined): void {
    const { seam, trap } = this.#w;
    const command = trap.int(1);
    const created = command === FSCONFIG.create || command === FSCONFIG.createExcl;
    if (created) this.#create(faked, command === FSCONFIG.createExcl);
    else seam.respond(trap.slot, this.#set(faked.context, command, key));
  }

  #set(context: MountContext, command: number, key: string | undefined): number {
    const { seam, trap } = this.#w;
    if (command === FSCONFIG.reconfigure) return context.reconfigure();
    if (key === undefined) return -EINVAL;
    if (command === FSCONFIG.setFlag) return context.set(key, undefined);
    if (command !== FSCONFIG.setString || trap.arg(3) === 0n) return -EINVAL;
    return context.set(key, seam.readString(trap.tid, trap.arg(3))?.toString('utf8') ?? '');
  }

  #create(faked: Context, exclusive: boolean): void {
    const { seam, trap, kernel } = this.#w;
    const { slot, tid } = trap;
    const { context } = faked;
    const { fd, fstype, source } = context;
    if (context.createError !== 0) {
      seam.respond(slot, context.createError);
      return;
    }
    const handle = fd === undefined ? undefined : this.#device.byDescriptor(fd);
    const was = handle === undefined ? 0 : kernel.connOf(handle.id);
    const options = context.parameters.join(',');
    const call = { fstype, source, target: '', flags: 0, options, handle: handle?.id };
    let made = mountOrFault(this.#w, call, handle, tid);
    if (handle !== undefined) bound(this.#w, handle, (fd ?? 0) - this.#w.base, tid);
    // Somebody's superblock already (sget_fc()).
    if (made.result === 0 && exclusive && was !== 0) made = { ...made, result: -EBUSY };
    faked.conn = made.conn;
    const ended = (result: number) => context.created(result);
    if (made.result === BLOCK && handle !== undefined) {
      this.#creation.waits({ slot, tid, call, handle, ended });
      if (this.#w.injection) injectMounted(this.#w, handle, tid, made.result);
      return;
    }
    if (this.#w.injection) injectMounted(this.#w, handle, tid, made.result);
    ended(made.result);
    this.#creation.answered(slot, tid, call, handle, made);
  }

  mount(faked: Context): void {
    const { seam, trap } = this.#w;
    const error = faked.context.mount();
    if (error !== 0) seam.respond(trap.slot, error);
    else this.#standIn(faked, trap.int(1));
  }
}
