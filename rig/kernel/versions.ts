/**
 * Where kernels differ on /dev/fuse and its rings: named switches, and the sets of them that releases have. A
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
  /** A background request is counted as ended before its ring queue goes on; off: after. */
  readonly ringCountsFirst: boolean;
  /**
   * An entry whose SQE was cancelled, or whose task is gone, is freed; off: it stays as if it were in
   * user space, with the request assigned to it, until the connection ends.
   */
  readonly ringCancelFrees: boolean;
  /** A REGISTER that an abort overtakes fails with ECONNABORTED; off: it is held for ever. */
  readonly ringRegisterSeesAbort: boolean;
  /** A commit finds a request only when it has been copied; off: from its assignment (EIO). */
  readonly ringCommitAfterCopy: boolean;
  /** Payload beyond the buffer is EIO for the client; off: BUG_ON. */
  readonly ringOversizeEio: boolean;
  /** A command looks for the INIT reply (EAGAIN) before the end of the connection. */
  readonly ringAgainFirst: boolean;
  /** Commands are EOPNOTSUPP unless the INIT reply asked for the ring and no REGISTER failed. */
  readonly ringNeedsFlag: boolean;
  /** Background requests (INIT, RELEASE) name the thread they are made for (seen at 7.3.4); off: nobody. */
  readonly backgroundNamesCaller: boolean;
  /** New requests of a refused connection get ECONNREFUSED after its end, too (7.3.4); off: ENOTCONN. */
  readonly refusedFirst: boolean;
  /** After the unmount a reader gets ENODEV, aborted or not (seen at 7.3.4); off: as before it. */
  readonly unmountHidesAbort: boolean;
}

export type SwitchName = keyof Switches;

const OFF: Switches = {
  cloneUnmountedEperm: false,
  cloneAwaitsMount: false,
  notifyNeedsInit: false,
  storeNeedsRegular: false,
  killedMounterAborts: false,
  ringCountsFirst: false,
  ringCancelFrees: false,
  ringRegisterSeesAbort: false,
  ringCommitAfterCopy: false,
  ringOversizeEio: false,
  ringAgainFirst: false,
  ringNeedsFlag: false,
  backgroundNamesCaller: false,
  refusedFirst: false,
  unmountHidesAbort: false,
};

const STABLE: Switches = {
  ...OFF,
  cloneUnmountedEperm: true,
  cloneAwaitsMount: true,
  storeNeedsRegular: true,
  killedMounterAborts: true,
  ringCountsFirst: true,
  ringCancelFrees: true,
};

const NEXT: Switches = {
  ...STABLE,
  notifyNeedsInit: true,
  ringRegisterSeesAbort: true,
  ringCommitAfterCopy: true,
};

/** `6.18` is the stable series with its backports (seen at 6.18.44), `6.18.15` an early one. */
export const VERSIONS = {
  '6.18.15': OFF,
  '6.18': STABLE,
  '7.1': NEXT,
  '7.3': {
    ...NEXT,
    ringOversizeEio: true,
    ringAgainFirst: true,
    ringNeedsFlag: true,
    backgroundNamesCaller: true,
    refusedFirst: true,
    unmountHidesAbort: true,
  },
} as const satisfies Record<string, Switches>;

export type VersionName = keyof typeof VERSIONS;

/** 6.18 releases from this one on are known to have the series' backports. */
const BACKPORTED = 44;

/** The set nearest to a release such as `6.18.44-1-amd64`, where nothing better is known. */
export function versionOf(release: string): VersionName {
  const [major = 0, minor = 0, patch = 0] = release.split(/[.-]/).map(Number);
  if (major < 6 || (major === 6 && minor < 18)) return '6.18.15';
  if (major === 6 && minor === 18) return patch >= BACKPORTED ? '6.18' : '6.18.15';
  return major < 7 || (major === 7 && minor < 3) ? '7.1' : '7.3';
}

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

/** What the kernel of a capture had, as the capture says it (an old one only by its release), or `asked`. */
export function recordedSwitches(
  { kernel, abi }: { readonly kernel: string; readonly abi: readonly string[] },
  asked?: VersionName,
): Switches {
  if (asked !== undefined) return VERSIONS[asked];
  const known = SWITCH_NAMES.some((name) => abi.includes(name));
  return known ? switchesFrom(abi) : VERSIONS[versionOf(kernel)];
}
