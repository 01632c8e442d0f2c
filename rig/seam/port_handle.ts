/** What the device port keeps of each open of the device, and what it is wired to. */
import type { NativeSeam } from '../../native/load.ts';
import type { EventSink } from '../events.ts';
import type { Injection } from '../injection.ts';
import type { HandleId, Kernel } from '../kernel/kernel.ts';
import type { Trap } from './traps.ts';

/** A read that waits: read, readv, or splice out of the device. */
export interface HeldRead {
  slot: number;
  tid: number;
  size: number;
  splice: boolean;
  /** The Kernel has found the buffer large enough. */
  measured: boolean;
}

/** One open of the device, as the server's descriptors show it. */
export interface PortHandle {
  id: HandleId;
  /** The index whose placeholder stands for it; dups have other indexes. */
  index: number;
  nonblock: boolean;
  /** As it was opened. */
  openFlags: number;
  /** Thread that used it last: it holds the descriptor. */
  tid: number;
  held: HeldRead[];
  /** A message taken for a call that vanished before it got it: the next read's. */
  returned: Uint8Array | undefined;
  /** The Kernel has something, as far as we know, that no read has asked for. */
  pending: boolean;
  /** What the placeholder shows: IN. */
  shown: boolean;
  /** A read came while IN was shown: this server polls, blocking descriptor or not. */
  polled: boolean;
  /** Closes may have happened since we last knew it alive: how many more looks. */
  suspect: number;
  dead: boolean;
  /** No connection is bound to it yet: the placeholder shows ERR. */
  unbound: boolean;
}

export interface PortWiring {
  seam: NativeSeam;
  trap: Trap;
  kernel: Kernel;
  data: Uint8Array;
  emit: EventSink;
  /** Asked at every moment at which a fault may come; absent without a plan. */
  injection?: Injection | undefined;
  /** First descriptor number of the range. */
  base: number;
  /** Nanoseconds since the session began. */
  now(): number;
}
