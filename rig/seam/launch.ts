/**
 * Starts a server under the seam. The launcher (native/launcher) becomes the server's keeper; its
 * child installs the filter and hands us the listener before it becomes the server.
 */
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { type NativeSeam, native, nativePath } from '../../native/load.ts';
import type { ServerStart } from '../events.ts';
import { errnoName } from '../protocol/errno.ts';
import { RANGE_COUNT, rangeBase } from './descriptors.ts';
import { LaunchError } from './launch_error.ts';
import { type Root, rootFailed, rootWords } from './root.ts';
import { KEEPER } from './traps.ts';

/** Room for the largest message of a device whose fs.fuse.max_pages_limit is up to 2000 (256 by default). */
const DATA_SIZE = 8 << 20;
/** Of the session before: one of this size a session would have all of the heap collected every few sessions. */
let spare: ArrayBuffer | undefined;

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
  /** Resolves when the keeper has gone, after `seam.close()`. */
  gone: Promise<unknown>;
  /** Instead of waiting for it: what it keeps cannot be ended. */
  leave(): void;
  /** Nobody looks at its messages any more. */
  release(): void;
}

/** A descriptor of ours for the child. execa takes any number, its types only the small ones. */
const inherit = (fd: number): 3 => fd as 3;

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
function receiveListener(socket: number): { listener: number; pid: number } {
  const bytes = new Uint8Array(8192);
  const [n, fd] = native.receive(socket, bytes);
  const view = new DataView(bytes.buffer);
  const type = view.getUint32(0, true);
  if (n >= 16 && type === KEEPER.listener && fd >= 0) {
    return { listener: fd, pid: view.getInt32(4, true) };
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
  const launcher = execa(
    nativePath('fuse-rig-launch'),
    [
      '3',
      String(base),
      String(RANGE_COUNT),
      listed(options.extraFds),
      listed(options.calls),
      options.cwd,
      options.umask.toString(8),
      ...root,
      ...options.command,
    ],
    {
      stdio: [
        options.stdin === undefined ? 'ignore' : inherit(options.stdin),
        inherit(stdoutWrite),
        inherit(stderrWrite),
        inherit(theirs),
      ],
      env: {
        ...options.env,
        PATH: `${standIns}:${options.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin'}`,
      },
      extendEnv: false,
      reject: false,
      buffer: false,
      cleanup: false,
    },
  );
  for (const fd of [stdoutWrite, stderrWrite, theirs]) native.closeFd(fd);
  let started: ReturnType<typeof receiveListener>;
  try {
    started = receiveListener(ours);
  } catch (error) {
    native.closeFd(stdout);
    native.closeFd(stderr);
    throw error;
  }
  const data = spare ?? new ArrayBuffer(DATA_SIZE);
  spare = undefined;
  const seam = new native.Seam(started.listener, ours, base, RANGE_COUNT, data);
  return {
    seam,
    pid: started.pid,
    keeperPid: launcher.pid ?? 0,
    base,
    stdout,
    stderr,
    standIns,
    root: options.root?.dir,
    go: () => void seam.keeperSend(KEEPER.go, ''),
    gone: launcher,
    leave: () => launcher.unref(),
    release: () => {
      spare = data;
    },
  };
}

export interface Scratch {
  /** An empty directory of this run, mode 0700. */
  path: string;
  /** Removes what is left of it. */
  close(): Promise<void>;
}

/** A scratch directory in one that has its keeper already. */
export const scratchIn = (place: string): Scratch => ({
  path: mkdtempSync(join(place, 'run-')),
  close: async () => {},
});

/**
 * Makes a scratch directory in TMPDIR. A process of its own keeps it: it is removed even when the rig
 * is killed, whatever a fixture or a server has put there.
 */
export function makeScratch(name: string): Scratch {
  const parent = resolve(tmpdir());
  const [ours, theirs] = native.socketPair();
  const keeper = execa(nativePath('fuse-rig-launch'), ['--scratch', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', inherit(theirs)],
    reject: false,
    buffer: false,
    cleanup: false,
  });
  native.closeFd(theirs);
  const close = async () => {
    native.closeFd(ours);
    await keeper;
  };
  const pattern = Buffer.from(`${join(parent, `fuse-rig-${name}-`)}XXXXXX\0`);
  const message = Buffer.alloc(16 + pattern.length);
  message.writeUInt32LE(KEEPER.makeScratch, 0);
  pattern.copy(message, 16);
  native.writeFd(ours, message, message.length);
  const answer = Buffer.alloc(8192);
  const [n] = native.receive(ours, answer);
  const status = n < 16 ? -1 : answer.readInt32LE(8);
  if (status === 0) return { path: answer.toString('utf8', 16, n).replace(/\0.*$/, ''), close };
  native.closeFd(ours);
  const why = status < 0 ? 'its keeper did not start' : errnoName(-status);
  throw new LaunchError(
    `cannot make a scratch directory in ${parent}: ${why}; name a writable directory in TMPDIR`,
  );
}
