/**
 * Where kernels differ on /dev/fuse: named switches, and the sets of them that releases have. A
 * capture names the switches of the kernel it was made on, the model takes them from there.
 */

/** Each switch says what the newer behaviour is; off is the older one. */
export interface Switches {
  /** CLONE of an unmounted source is EPERM; off: EINVAL. */
  readonly cloneUnmountedEperm: boolean;
  /** CLONE of a source in state SYNC_INIT waits for its mount; off: as unmounted. */
  readonly cloneAwaitsMount: boolean;
  /** A notification is EINVAL before the INIT reply and after the end of the connection. */
  readonly notifyNeedsInit: boolean;
  /** STORE and RETRIEVE on what is no regular file are EINVAL; off: they proceed. */
  readonly storeNeedsRegular: boolean;
  /** Killing the process that waits in a SYNC_INIT mount aborts; off: it hangs till the reply. */
  readonly killedMounterAborts: boolean;
}

export type SwitchName = keyof Switches;

const OFF: Switches = {
  cloneUnmountedEperm: false,
  cloneAwaitsMount: false,
  notifyNeedsInit: false,
  storeNeedsRegular: false,
  killedMounterAborts: false,
};

const STABLE: Switches = {
  ...OFF,
  cloneUnmountedEperm: true,
  storeNeedsRegular: true,
  killedMounterAborts: true,
};

/** `6.18` is the stable series with its backports (seen at 6.18.44), `6.18.15` an early one. */
export const VERSIONS = {
  '6.18.15': OFF,
  '6.18': STABLE,
  '7.1': { ...STABLE, cloneAwaitsMount: true, notifyNeedsInit: true },
  '7.3': { ...STABLE, cloneAwaitsMount: true, notifyNeedsInit: true },
} as const satisfies Record<string, Switches>;

export type VersionName = keyof typeof VERSIONS;

export const SWITCH_NAMES = Object.keys(OFF) as readonly SwitchName[];

/** The names of the switches that are on, in a fixed order: what a capture stores. */
export function namesOf(switches: Switches): SwitchName[] {
  return SWITCH_NAMES.filter((name) => switches[name]);
}

/** Switches from stored names; names this transport does not know are left to others. */
export function switchesFrom(names: readonly string[]): Switches {
  const on = new Set(names);
  return Object.fromEntries(
    SWITCH_NAMES.map((name) => [name, on.has(name)]),
  ) as unknown as Switches;
}
