/**
 * The server's calls in turns (native/addon/seam_turn.cc): what comes true at which call, and what a signal
 * finds, does not depend on which thread was faster.
 */
import type { NativeSeam } from '../../native/load.ts';
import type { DevicePort } from './device_port.ts';
import { WAIT } from './traps.ts';

export class Turns {
  #on = false;
  readonly #seam: NativeSeam;
  readonly #device: DevicePort;
  readonly #keeperPid: number;

  constructor(seam: NativeSeam, device: DevicePort, keeperPid: number) {
    this.#seam = seam;
    this.#device = device;
    this.#keeperPid = keeperPid;
  }

  begin(): void {
    this.#on = true;
    this.#seam.turns(this.#keeperPid);
  }

  /** In turns only between them: else it would be chance which call a signal interrupts. */
  mayLook(kind: number): boolean {
    return !this.#on || kind === WAIT.settled;
  }

  /** Every thread is in a call or sleeps: the next turn, unless one has a signal to handle first. */
  settled(): void {
    if (!this.signalled()) this.#seam.turn();
  }

  /** Answers held calls whose threads have a signal to handle. Whether there was one. */
  signalled(): boolean {
    const inRead = this.#device.interruptSignalled();
    return this.#seam.interruptReceives() || inRead;
  }
}
