/** Teardowns that a plan asks for in a replay: what is asked no more, and what the model kernel does. */
import type { Moment, TeardownName, Teardowns } from '../rig/decider.ts';
import type { ModelKernel } from '../rig/kernel/model.ts';
import { ERRNO } from '../rig/protocol/errno.ts';
import type { Cursor } from './cursor.ts';
import type { Ending } from './ending.ts';

export class ReplayTeardowns implements Teardowns {
  readonly #model: ModelKernel;
  readonly #cursor: Cursor;
  readonly #ending: Ending;
  readonly #conns: ReadonlySet<number>;

  constructor(model: ModelKernel, cursor: Cursor, ending: Ending, conns: ReadonlySet<number>) {
    this.#model = model;
    this.#cursor = cursor;
    this.#ending = ending;
    this.#conns = conns;
  }

  refused(how: TeardownName, { conn, handle }: Moment): number {
    const conns = this.#all(conn);
    if (how === 'unmount') {
      return conns.some((one) => this.#cursor.busy(one)) ? -ERRNO.EBUSY : 0;
    }
    if (how === 'clone-loss') {
      // The last handle of a connection takes it along: that is another fault.
      return conn !== 0 && handle !== 0 && this.#model.handlesOf(conn).length > 1
        ? 0
        : -ERRNO.EBUSY;
    }
    if (how.startsWith('sig') || how === 'restart') return 0;
    return conns.length === 0 ? -ERRNO.ENOTCONN : 0;
  }

  perform(how: TeardownName, { conn, handle }: Moment, times: number): void {
    const conns = this.#all(conn);
    if (how === 'lazy') {
      for (const one of conns) this.#cursor.detach(one);
    } else if (how === 'clone-loss') {
      for (const ticket of this.#model.ticketsOf(handle)) this.#cursor.lose(ticket, how);
      this.#model.lose(handle);
    } else if (how === 'restart') {
      this.#cursor.halt('the server was killed and started again');
      for (let n = 0; n < times; n++) this.#ending.begin('sigkill', conns, true);
    } else {
      // First: what ends with the connection is not an answer to be compared.
      this.#cursor.stop(`the plan's ${how} came first`);
      for (let n = 0; n < times; n++) this.#ending.begin(how, conns, true);
    }
  }

  /** Connections of the session; one whose mount is being made is not known to be mounted yet. */
  #all(conn: number): number[] {
    return [...new Set(conn === 0 ? this.#conns : [...this.#conns, conn])];
  }
}
