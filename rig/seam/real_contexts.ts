/**
 * File system contexts in front of the real kernel: they are real. Two commands are made by the rig on
 * them: naming the device, whose number must be the rig's, and the creation, after which the device is
 * bound. The words that went by are kept, since a capture tells a mount's options.
 */
import { readlinkSync } from 'node:fs';
import { native } from '../../native/load.ts';
import { BLOCK, type MountCall } from '../kernel/kernel.ts';
import { MountContext } from '../kernel/mount-context.ts';
import { bound } from './binding.ts';
import type { DevicePort } from './device_port.ts';
import type { Creation } from './faked_contexts.ts';
import { FSCONFIG, isFuse } from './mount_words.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';

/** A real context: who has it, the device named in it, and its words. */
interface RealContext {
  readonly tid: number;
  handle: PortHandle | undefined;
  readonly words: MountContext;
  /** The kernel has made a superblock of it; and that was moved to its place. */
  created: boolean;
  moved: boolean;
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
  /** By the server's descriptor number; below 0 those that are closed, whose mount has no place yet. */
  readonly #contexts = new Map<number, RealContext>();
  #closed = 0;
  /** Of the context that fsopen(2) returned last: which number it got is not seen. */
  #fstype = 'fuse';

  constructor(wiring: PortWiring, device: DevicePort, creation: Creation) {
    this.#w = wiring;
    this.#device = device;
    this.#creation = creation;
  }

  /** fsopen(2). The number that it is about to return may be one of a context that was closed. */
  open(fstype: string): void {
    for (const [number, context] of this.#contexts) {
      if (number < 0 || isContext(context.tid, number)) continue;
      this.#contexts.delete(number);
      if (context.created && !context.moved) this.#contexts.set(--this.#closed, context);
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
      const words = new MountContext(this.#fstype);
      const { tid } = this.#w.trap;
      context = { tid, handle: undefined, words, created: false, moved: false };
      this.#contexts.set(number, context);
    }
    return context;
  }

  #create(number: number, handle: PortHandle, context: number, command: number): void {
    const { trap, kernel } = this.#w;
    const { slot, tid } = trap;
    const made = this.#at(number);
    const call = callOf(made, handle, '');
    const result = kernel.createContext(context, command, handle.id);
    bound(this.#w, handle, handle.index, tid);
    made.created = result.result === 0 || result.result === BLOCK;
    if (result.result === BLOCK) {
      this.#creation.waits({ slot, tid, call, handle });
      return;
    }
    // The kernel takes no other command on a context whose creation failed.
    if (result.result !== 0) this.#contexts.delete(number);
    this.#creation.answered(slot, tid, call, handle, result);
  }

  /**
   * A mount finds its place. Which one moves is not looked at: they are taken to come in their order, and
   * while a server has made a FUSE context what else it moves is taken for the last of them.
   */
  moved(target: string): ContextMount | undefined {
    const all = [...this.#contexts.values()].filter(({ handle }) => handle !== undefined);
    const context = all.find(({ created, moved }) => created && !moved) ?? all.at(-1);
    if (context?.handle === undefined) return undefined;
    context.moved = true;
    const { handle } = context;
    return { handle, call: callOf(context, handle, target) };
  }
}

function callOf({ words }: RealContext, handle: PortHandle, target: string): MountCall {
  const { fstype, source, parameters } = words;
  return { fstype, source, target, flags: 0, options: parameters.join(','), handle: handle.id };
}

/** Whether a thread has a file system context under that number (fscontext_create_fd() in fs/fsopen.c). */
function isContext(tid: number, number: number): boolean {
  try {
    return readlinkSync(`/proc/${tid}/fd/${number}`) === 'anon_inode:[fscontext]';
  } catch {
    return false;
  }
}
