/**
 * The server's calls in turns (native/addon/seam_turn.cc): what comes true at which call, and what a signal
 * finds, does not depend on which thread was faster.
 */
import type { NativeSeam } from '../../native/load.ts';
import type { DevicePort } from './device_port.ts';

export class Turns {
  /** False: calls are looked at as they come. */
  on = false;
  readonly #seam: NativeSeam;
  readonly #device: DevicePort;
  readonly #keeperPid: number;

  constructor(seam: NativeSeam, device: DevicePort, keeperPid: number) {
    this.#seam = seam;
    this.#device = device;
    this.#keeperPid = keeperPid;
  }

  begin(): void {
    this.on = true;
    this.#seam.turns(this.#keeperPid);
  }

  /** Every thread is in a call or sleeps: the next turn, unless one has a signal to handle first. */
  settled(): void {
    const inRead = this.#device.interruptSignalled();
    const inReceive = this.#seam.interruptReceives();
    if (!inRead && !inReceive) this.#seam.turn();
  }
}
