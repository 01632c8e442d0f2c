/** What the model Kernel is told of its host and of the world around it. */
import type { BackingFile } from './backing.ts';
import type { HostLimits, InitOffer } from './init.ts';
import type { ConnId, MountCall } from './kernel.ts';
import type { MountWorld } from './mount.ts';
import type { NodeFacts } from './notify.ts';
import type { RingOptions } from './ring/rings.ts';
import type { Switches } from './versions.ts';

/** What the model asks of the world around it; by default nothing is in the way. */
export interface World extends MountWorld {
  /** The thread has CAP_SYS_ADMIN. */
  capable(tid: number): boolean;
  /** What descriptor `fd` of thread `tid` stands for. */
  backingFile(tid: number, fd: number): BackingFile;
}

export interface ModelOptions {
  /** What kind of kernel it is; 6.18 by default. */
  readonly switches?: Switches;
  /** What INIT offers, for all connections or for each. */
  readonly offer?: InitOffer | ((conn: ConnId, call: MountCall) => InitOffer);
  /** Limits of the host that INIT is held against. */
  readonly host?: HostLimits;
  readonly world?: Partial<World>;
  readonly nodes?: Partial<NodeFacts>;
  /** Uniques behind INIT's are above this. */
  readonly uniqueBase?: bigint;
  /** FUSE over io_uring; off by default. */
  readonly ring?: RingOptions;
}

/** What is wanted of a request that a client is about to make. */
export interface Asking {
  /** It waits for `admit`. */
  readonly held?: boolean;
  /** Its client is signalled before it is read. */
  readonly signalled?: boolean;
}

export const ANY_WORLD: World = {
  target: () => 'directory',
  blockDevice: () => 0,
  busy: () => false,
  capable: () => true,
  backingFile: () => ({ kind: 'regular', stackDepth: 0 }),
};
