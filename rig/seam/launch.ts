/**
 * Starts a server under the seam. The launcher (native/launcher) becomes the server's keeper; its
 * child installs the filter and hands us the listener before it becomes the server.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type NativeSeam, native, nativePath } from '../../native/load.ts';
import type { ServerStart } from '../events.ts';
import { errnoName } from '../protocol/errno.ts';
import { RANGE_COUNT, rangeBase } from './descriptors.ts';
import { LaunchError } from './launch_error.ts';
import { COMMAND_BYTES } from './ring_commands.ts';
import { type Root, rootFailed, rootWords } from './root.ts';
import { type Starter, start } from './starter.ts';
import { KEEPER } from './traps.ts';

/** What a seam fills. */
interface Memory {
  data: ArrayBuffer;
  commands: ArrayBuffer;
}

/** Room for the largest message of a device whose fs.fuse.max_pages_limit is up to 2000 (256 by default). */
const DATA_SIZE = 8 << 20;
/** For as many FUSE commands as one enter can submit SQEs (IORING_MAX_ENTRIES of io_uring/io_uring.h). */
const COMMANDS_SIZE = 32768 * COMMAND_BYTES;
/** Of the session before: one of this size a session would have all of the heap collected every few sessions. */
let spare: Memory | undefined;

const newMemory = (): Memory => ({
  data: new ArrayBuffer(DATA_SIZE),
  commands: new ArrayBuffer(COMMANDS_SIZE),
});

export interface LaunchOptions {
  command: readonly string[];
  cwd: string;
  env: Record<string, string>;
  umask: number;
  /** Single descriptors to watch beside the range: servers given /dev/fd/N. */
  extraFds?: readonly number[];
  /** System calls that only this run looks at, by number. */
  calls?: readonly number[];
  /** Descriptor the server reads as stdin; absent: /dev/null. */
  stdin?: number;
  /** Another root than this machine's. The working directory is shared with it. */
  root?: Root;
  /** Who starts it: a fork of this process takes as long as the whole start by a small one. */
  starter?: Starter;
}

export interface Launched {
  seam: NativeSeam;
  /** Process id of the server, as the rig sees it. */
  pid: number;
  /** The keeper, whose descendants the server's processes are. */
  keeperPid: number;
  base: number;
  /** Descriptors to read what the server prints; close them. */
  stdout: number;
  stderr: number;
  /** Directory of the fusermount stand-ins. */
  standIns: string;
  /** The server's root, where it has its own. */
  root: string | undefined;
  /** Tells the server to start; call when the seam is served. */
  go(): void;
  /** Resolves when the keeper has gone; to be called after `seam.close()`. */
  gone(): Promise<unknown>;
  /** Instead of waiting for it: what it keeps cannot be ended. */
  leave(): void;
  /** Nobody looks at its messages any more. */
  release(): void;
}

const listed = (numbers: readonly number[] | undefined): string =>
  numbers?.length ? numbers.join(',') : '-';

/** Soft limit of open files of this process, which the server inherits. */
function softNofile(): number {
  const line = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return line?.[1] === 'unlimited' ? 1 << 20 : Number(line?.[1] ?? 1024);
}

/** What the server was started with, for the capture. */
export function serverStart(options: LaunchOptions): ServerStart {
  const limits: ServerStart['limits'] = {};
  const value = (s: string) => (s === 'unlimited' ? Number.POSITIVE_INFINITY : Number(s));
  for (const line of readFileSync('/proc/self/limits', 'utf8').split('\n').slice(1)) {
    const found = /^Max (.+?)\s{2,}(\S+)\s+(\S+)/.exec(line);
    if (found)
      limits[(found[1] ?? '').replaceAll(' ', '_')] = [
        value(found[2] ?? ''),
        value(found[3] ?? ''),
      ];
  }
  return {
    command: [...options.command],
    cwd: options.cwd,
    env: Object.entries(options.env).map(([name, v]) => `${name}=${v}`),
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
    umask: options.umask,
    limits,
  };
}

/** The first message: the listener, or why there is none. */
function receiveListener(socket: number): { listener: number; pid: number; keeperPid: number } {
  const bytes = new Uint8Array(8192);
  const [n, fd] = native.receive(socket, bytes);
  const view = new DataView(bytes.buffer);
  const type = view.getUint32(0, true);
  if (n >= 16 && type === KEEPER.listener && fd >= 0) {
    return { listener: fd, pid: view.getInt32(4, true), keeperPid: view.getInt32(12, true) };
  }
  native.closeFd(socket);
  if (n < 16) throw new LaunchError('the launcher ended before the server could be started');
  const call = Buffer.from(bytes.subarray(16, n)).toString().replace(/\0.*$/, '');
  const errno = errnoName(-view.getInt32(8, true));
  if (call.startsWith('root: ')) throw rootFailed(call.slice('root: '.length), errno);
  throw new LaunchError(
    `cannot set up the seam: ${call}: ${errno}; run: fuse-rig doctor (it says what this machine lacks)`,
    'missing-feature',
  );
}

export function launch(options: LaunchOptions): Launched {
  if (!existsSync(options.cwd)) {
    throw new LaunchError(
      `the working directory ${options.cwd} does not exist; create it or use --cwd`,
    );
  }
  const base = rangeBase(softNofile());
  const standIns = nativePath('stand-ins');
  const root = rootWords(options.root, [options.cwd, standIns]);
  const [ours, theirs] = native.socketPair();
  const [stdout, stdoutWrite] = native.pipePair();
  const [stderr, stderrWrite] = native.pipePair();
  const args = [
    ...[String(base), String(RANGE_COUNT), listed(options.extraFds), listed(options.calls)],
    ...[resolve(options.cwd), options.umask.toString(8), ...root, ...options.command],
  ];
  const path = `${standIns}:${options.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin'}`;
  const started = (options.starter ?? start)({
    args,
    env: { ...options.env, PATH: path },
    fds: { socket: theirs, stdin: options.stdin, stdout: stdoutWrite, stderr: stderrWrite },
  });
  for (const fd of [stdoutWrite, stderrWrite, theirs]) native.closeFd(fd);
  let server: ReturnType<typeof receiveListener>;
  try {
    server = receiveListener(ours);
  } catch (error) {
    for (const fd of [stdout, stderr]) native.closeFd(fd);
    started.leave();
    throw error;
  }
  const memory = spare ?? newMemory();
  spare = undefined;
  const { data, commands } = memory;
  const seam = new native.Seam(server.listener, ours, base, RANGE_COUNT, data, commands);
  return {
    seam,
    pid: server.pid,
    keeperPid: server.keeperPid,
    base,
    stdout,
    stderr,
    standIns,
    root: options.root?.dir,
    go: () => void seam.keeperSend(KEEPER.go, ''),
    gone: started.gone,
    leave: started.leave,
    release: () => {
      spare = memory;
    },
  };
}
