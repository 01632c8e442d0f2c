/**
 * File system contexts in front of the real kernel: they are real. Two commands are made by the rig on
 * them: naming the device, whose number must be the rig's, and the creation, after which the device is
 * bound. The words that went by are kept, since a capture tells a mount's options.
 */
import { native } from '../../native/load.ts';
import { BLOCK, type MountCall } from '../kernel/kernel.ts';
import { MountContext } from '../kernel/mount-context.ts';
import { bound } from './binding.ts';
import type { DevicePort } from './device_port.ts';
import type { Creation } from './faked_contexts.ts';
import { FSCONFIG, isFuse } from './mount_words.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';

/** A real context: the device named in it, and its words. */
interface RealContext {
  handle: PortHandle | undefined;
  readonly words: MountContext;
}

/** A context's part in a mount: who answers, and what was asked for. */
export interface ContextMount {
  readonly handle: PortHandle;
  readonly call: MountCall;
}

export class RealContexts {
  readonly #w: PortWiring;
  readonly #device: DevicePort;
  readonly #creation: Creation;
  /** By the server's descriptor number. */
  readonly #contexts = new Map<number, RealContext>();
  /** Of the context that fsopen(2) returned last: which number it got is not seen. */
  #fstype = 'fuse';

  constructor(wiring: PortWiring, device: DevicePort, creation: Creation) {
    this.#w = wiring;
    this.#device = device;
    this.#creation = creation;
  }

  /** fsopen(2). A number that comes back may be one of a context that was closed without a device. */
  open(fstype: string): void {
    for (const [number, { handle }] of this.#contexts) {
      if (handle === undefined) this.#contexts.delete(number);
    }
    if (isFuse(fstype)) this.#fstype = fstype;
    this.#w.seam.continue(this.#w.trap.slot);
  }

  /** fsconfig(2); `key` and `value` are read only where they are strings. */
  configure(string: (n: number) => string): void {
    const { seam, trap } = this.#w;
    const number = trap.int(0);
    const command = trap.int(1);
    const key =
      command === FSCONFIG.setString || command === FSCONFIG.setFlag ? string(2) : undefined;
    const value = command === FSCONFIG.setString ? string(3) : undefined;
    const creating = command === FSCONFIG.create || command === FSCONFIG.createExcl;
    const handle =
      key === 'fd' && value !== undefined
        ? this.#device.byDescriptor(Number(value))
        : this.#contexts.get(number)?.handle;
    if (key !== undefined && key !== 'fd') this.#at(number).words.set(key, value);
    const exchanged = handle !== undefined && (key === 'fd' || creating);
    const context = exchanged ? seam.getFd(trap.tid, number) : -1;
    if (handle === undefined || context < 0) {
      seam.continue(trap.slot);
      return;
    }
    if (creating) this.#create(number, handle, context, command);
    else {
      this.#at(number).handle = handle;
      seam.respond(trap.slot, this.#w.kernel.nameInContext(context, handle.id));
    }
    native.closeFd(context);
  }

  #at(number: number): RealContext {
    let context = this.#contexts.get(number);
    if (context === undefined) {
      context = { handle: undefined, words: new MountContext(this.#fstype) };
      this.#contexts.set(number, context);
    }
    return context;
  }

  #callOf(number: number, handle: PortHandle, target: string): MountCall {
    const { fstype, source, parameters } = this.#at(number).words;
    return { fstype, source, target, flags: 0, options: parameters.join(','), handle: handle.id };
  }

  #create(number: number, handle: PortHandle, context: number, command: number): void {
    const { trap, kernel } = this.#w;
    const { slot, tid } = trap;
    const call = this.#callOf(number, handle, '');
    const result = kernel.createContext(context, command, handle.id);
    bound(this.#w, handle, handle.index, tid);
    if (result.result === BLOCK) {
      this.#creation.waits({ slot, tid, call, handle });
      return;
    }
    // The kernel takes no other command on a context whose creation failed.
    if (result.result !== 0) this.#contexts.delete(number);
    this.#creation.answered(slot, tid, call, handle, result);
  }

  /**
   * A mount finds its place. Which one moves is not looked at: while a server has made a FUSE context,
   * what it moves is taken for that.
   */
  moved(target: string): ContextMount | undefined {
    const last = [...this.#contexts].findLast(([, { handle }]) => handle !== undefined);
    if (last?.[1].handle === undefined) return undefined;
    const [number, { handle }] = last;
    return { handle, call: this.#callOf(number, handle, target) };
  }
}
