/**
 * How a real server is installed, given something to serve, and started. One file a server, one list
 * (servers.ts). Commands run in the foreground and name everything they use through `{fixture}`, so
 * that a capture replays anywhere; the fixture's own path must be free of blanks, `:`, `,` and `=`,
 * which several servers' options cannot carry.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { onPath, run } from '../run.ts';

/**
 * What clients can do on the mount. 'direct': files opened with O_DIRECT can be written; servers that
 * open their own file so, with a buffer where malloc put it, fail now and then. 'grow': an image gets
 * larger by writes beyond its end.
 */
export type Capability =
  | 'write'
  | 'direct'
  | 'xattr'
  | 'hardlink'
  | 'symlink'
  | 'mknod'
  | 'notify'
  | 'grow';

/** Another way to start the same server. */
export interface Variant {
  /** 'plain' is the first of every recipe. */
  name: string;
  command: readonly string[];
  /** True: the first process ends with 0 once the mount stands, another one serves. */
  daemon?: boolean;
  /** It does not end at an unmount from outside, only by this signal. */
  end?: 'sigterm';
  /** Needs more than the server: undefined when it can run here. */
  missing?(): string | undefined;
}

export interface Recipe {
  name: string;
  /** Debian packages that bring it. */
  packages: readonly string[];
  /** One line that says which version runs here, from the program itself; undefined if it does not run. */
  version(): Promise<string | undefined>;
  /** Why it cannot run here, or undefined. */
  missing(): string | undefined;
  /** Fills the empty directory `fixture`. */
  prepare(fixture: string): Promise<void>;
  variants: readonly [Variant, ...Variant[]];
  /** What its root is, and what it is mounted on; a directory if absent. */
  root?: 'file';
  /** What two fixtures, each left by a run of the same work, have not in common; or undefined. */
  difference?(one: string, other: string): Promise<string | undefined>;
  capabilities: readonly Capability[];
  /** 'ring': asks for FUSE over io_uring. Absent: serves through the device alone. */
  transport?: 'ring';
  /** True: while one request waits, all others of its queue do; one thread serves each queue. */
  queuesBlock?: true;
  /** Exit codes the plain variant may end with after a SIGTERM; when it is ended as it should be, it is 0. */
  sigtermCodes: readonly number[];
  /** Why its captures are replayed with --serial: requests that do not commute in it. */
  serial?: string;
  /** True: it execs fusermount to mount and unmount, even as root. */
  fusermount: boolean;
}

export interface Places {
  fixture: string;
  mountpoint: string;
}

/** The command with its placeholders replaced. */
export function substitute(command: readonly string[], places: Places): string[] {
  return command.map((word) =>
    word.replaceAll('{fixture}', places.fixture).replaceAll('{mountpoint}', places.mountpoint),
  );
}

/** First line of a program's output that matches, from stdout or stderr. */
export async function versionLine(
  command: string,
  args: readonly string[],
  pattern: RegExp,
): Promise<string | undefined> {
  if (onPath(command) === undefined && !existsSync(command)) return undefined;
  const ran = await run(command, args, { timeoutS: 10 });
  return `${ran.stdout}\n${ran.stderr}`.split('\n').find((line) => pattern.test(line));
}

/** Why a FUSE mount by these programs is impossible here, or undefined. */
export function missingPrograms(programs: readonly string[]): string | undefined {
  const lacking = programs.filter((program) => onPath(program) === undefined);
  if (lacking.length > 0) return `${lacking.join(', ')} not installed`;
  return missingDevice();
}

/** Why no FUSE mount is possible here, or undefined. */
export function missingDevice(): string | undefined {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
  } catch {
    return '/dev/fuse cannot be opened';
  }
  if (process.getuid?.() !== 0 && onPath('fusermount3') === undefined) {
    return 'neither root nor fusermount3';
  }
  return undefined;
}
