/**
 * The one loop: takes what the server does, hands it to the ports, lets the Kernel answer. It
 * decides nothing: what goes wrong, what is due and when to stop are the Director's.
 */
import { type NativeSeam, native } from '../native/load.ts';
import type { Decider } from './decider.ts';
import type { EventSink } from './events.ts';
import { Injection } from './injection.ts';
import type { HandleId, Kernel } from './kernel/kernel.ts';
import { errnoName } from './protocol/errno.ts';
import { callTable } from './seam/call_table.ts';
import { possibleCpus, ShownCpus } from './seam/cpus.ts';
import { DescriptorTable } from './seam/descriptors.ts';
import { DevicePort } from './seam/device_port.ts';
import type { Context } from './seam/faked_contexts.ts';
import { Killing } from './seam/killing.ts';
import type { Launched } from './seam/launch.ts';
import { cannotStart } from './seam/launch_error.ts';
import { MountPort } from './seam/mount_port.ts';
import { Output } from './seam/output.ts';
import type { PortHandle, PortWiring } from './seam/port_handle.ts';
import { ProcessPort } from './seam/process_port.ts';
import { ServerQuotas } from './seam/quotas.ts';
import { RingPort } from './seam/ring_port.ts';
import { ServerCalls } from './seam/server_calls.ts';
import { KEEPER, Trap, WAIT } from './seam/traps.ts';
import { Turns } from './seam/turns.ts';
import { Watches } from './seam/watches.ts';

/** What drives a session from above: the recorder, or the replayer. */
export interface Director {
  /** Called between events; does what is due. */
  pump(): void;
  /** Called when nothing has happened for `idleMs` in a row; may end things. */
  idle(idleMs: number): void;
  /** Somebody woke the session (Ctrl-C, a command from the main thread). */
  control(): void;
  /** True when the session is over and may be torn down. */
  readonly done: boolean;
}

const NS_PER_MS = 1e6;
/** Of held reads the threads' signals are looked at this often, */
const SIGNAL_LOOK_MS = 5;
/** and this often while there is work: a look costs some microseconds a held call. */
const BUSY_LOOK_NS = 20e6;
const CLOSE_LOOK_MS = 50;
/** How long a deliverable message may lie unread before a blocking descriptor polls IN; until the first look. */
const SETTLE_MS = 1;

export class Session {
  readonly device: DevicePort;
  readonly mounts: MountPort;
  readonly rings: RingPort;
  readonly watches: Watches;
  readonly turns: Turns;
  readonly output: Output;
  readonly killing: Killing;
  /** What asks for faults; undefined without a plan. */
  readonly injection: Injection | undefined;
  readonly seam: NativeSeam;
  readonly pid: number;
  /** True once no process of the server is left. */
  empty = false;
  /** Told of what the keeper says: type, process, status; its text lies in `seam.data`. */
  keeperSaid: (type: number, pid: number, status: number) => void = () => {};
  readonly #calls: Map<number, () => void>;
  /** Calls that a plan is about. */
  readonly #serverCalls: ServerCalls | undefined;
  readonly #emit: EventSink;
  readonly #trap: Trap;
  readonly #launched: Launched;
  readonly #woken = new Set<HandleId>();
  readonly #data: Uint8Array;
  /** CLOCK_MONOTONIC, ns: the beginning of what this session belongs to. */
  readonly t0: number;
  #idleSince = 0;
  #lookedAt = 0;
  #closesAt = 0;

  constructor(
    launched: Launched,
    kernel: Kernel,
    emit: EventSink,
    cpus?: ShownCpus,
    decider?: Decider,
    t0?: number,
  ) {
    this.seam = launched.seam;
    this.pid = launched.pid;
    this.#launched = launched;
    this.#emit = emit;
    this.#trap = new Trap(this.seam);
    this.#data = new Uint8Array(this.seam.data);
    this.seam.wait(0);
    this.t0 = t0 ?? this.#trap.t;
    this.injection = decider && new Injection(decider, emit, () => this.now());
    const wiring: PortWiring = {
      seam: this.seam,
      trap: this.#trap,
      kernel,
      data: this.#data,
      emit,
      injection: this.injection,
      base: launched.base,
      now: () => this.now(),
    };
    const table = new DescriptorTable<PortHandle | Context>();
    this.device = new DevicePort(wiring, table);
    this.mounts = new MountPort(wiring, this.device);
    this.rings = new RingPort(wiring, this.device);
    const process = new ProcessPort(
      wiring,
      this.device,
      launched.standIns,
      cpus ?? new ShownCpus(possibleCpus()),
    );
    const { mounts, rings } = this;
    this.#calls = callTable(wiring, { process, mounts, rings });
    this.watches = new Watches(this.seam);
    this.turns = new Turns(this.seam, this.device, launched.keeperPid);
    if (this.injection !== undefined) {
      this.injection.quotas = new ServerQuotas(wiring, launched.keeperPid);
      this.#serverCalls = new ServerCalls(wiring, this.injection, this.device);
    }
    this.killing = new Killing(this.seam, launched.keeperPid, () => this.now());
    kernel.onWake = (handle) => this.#woken.add(handle);
    this.output = new Output(this.watches, launched, (fd, bytes) =>
      this.#emit({ kind: 'output', t: this.now(), fd, bytes }),
    );
  }

  /** Nanoseconds since the session began, as of the last event. */
  now(): number {
    return this.#trap.t - this.t0;
  }

  /** Serves the server until the director is done. */
  run(director: Director): void {
    this.#launched.go();
    this.#idleSince = this.#trap.t;
    while (!director.done) {
      const kind = this.seam.wait(this.#timeout());
      const printed = kind === WAIT.watched && this.output.take(this.#trap.size);
      if (kind === WAIT.timeout || (printed && this.#mayBeIdle())) this.#idle(director);
      else if (!printed) {
        this.#idleSince = this.#trap.t;
        this.#handle(kind, director);
        if (this.#trap.t > this.#lookedAt + BUSY_LOOK_NS && this.turns.mayLook(kind)) this.#look();
      }
      director.pump();
      this.wake();
    }
  }

  /** What a server prints is no sign that it gets anywhere. */
  #mayBeIdle(): boolean {
    return this.#trap.t > Math.max(this.#lookedAt, this.#idleSince) + BUSY_LOOK_NS;
  }

  /** Milliseconds to wait: short while somebody must be looked at. */
  #timeout(): number {
    const { suspected, unread } = this.device;
    return suspected || unread || this.#lookedAt <= this.#idleSince ? SETTLE_MS : SIGNAL_LOOK_MS;
  }

  #idle(director: Director): void {
    this.device.settle();
    this.#look();
    director.idle((this.#trap.t - this.#idleSince) / NS_PER_MS);
  }

  /** Looks for what no event tells: signals to held calls, last closes. */
  #look(): void {
    this.#lookedAt = this.#trap.t;
    this.turns.signalled();
    if (this.#trap.t - this.#closesAt > CLOSE_LOOK_MS * NS_PER_MS) {
      this.#closesAt = this.#trap.t;
      this.device.lookAtAll();
    }
    this.rings.look();
    this.output.look();
    if (this.killing.failed) this.empty = true;
    if (this.device.suspected) this.device.reapClosed();
  }

  /** Tells handles what was put into their queues; a director that gives the server work does so first. */
  wake(): void {
    // Waking may wake again (a reader that takes the last request makes others see an empty queue).
    for (const handle of this.#woken) {
      this.#woken.delete(handle);
      this.device.wake(handle);
      this.rings.wake(handle);
    }
  }

  #handle(kind: number, director: Director): void {
    if (kind === WAIT.trap) this.#dispatch();
    else if (kind === WAIT.watched) this.watches.run(this.#trap.size);
    else if (kind === WAIT.linked) this.rings.linked();
    else if (kind === WAIT.keeper) this.#keeper();
    else if (kind === WAIT.control) director.control();
    else if (kind === WAIT.settled) this.turns.settled();
    else if (kind === WAIT.keeperGone) this.empty = true;
  }

  #dispatch(): void {
    if (this.#serverCalls?.take()) return;
    const act = this.#calls.get(this.#trap.nr);
    if (act === undefined) this.device.call();
    else act();
  }

  #keeper(): void {
    const { nr: type, tid: pid, size: status } = this.#trap;
    if (type === KEEPER.execFailed) {
      const command = Buffer.from(this.#data.subarray(0, this.#trap.filled)).toString();
      const name = command.replace(/\0.*$/, '');
      throw cannotStart(name, errnoName(-status), this.#launched.root);
    }
    if (type === KEEPER.exit) {
      this.rings.look();
      this.device.suspectAll();
      this.device.reapClosed();
      const signal = status & 0x7f;
      this.#emit({
        kind: 'exit',
        t: this.now(),
        pid,
        main: pid === this.pid,
        code: signal === 0 ? (status >> 8) & 0xff : null,
        signal: signal === 0 ? null : signal,
      });
    }
    if (type === KEEPER.empty) this.empty = true;
    this.keeperSaid(type, pid, status);
  }

  /** Ends everything the rig started. Nothing of the server is left when the returned promise resolves. */
  async close(): Promise<void> {
    this.output.finish();
    this.seam.keeperSend(KEEPER.kill, '');
    this.seam.close();
    this.#launched.release();
    if (this.killing.survivors.length > 0) this.#launched.leave();
    else await this.#launched.gone();
    for (const fd of [this.#launched.stdout, this.#launched.stderr]) native.closeFd(fd);
  }
}
