/** How the launcher is started: by this process itself, or by a smaller one that is there already. */
import { setImmediate } from 'node:timers/promises';
import { execa } from 'execa';
import { native, nativePath } from '../../native/load.ts';
import { KEEPER } from './traps.ts';

/** What the launcher is given (native/launcher/launch.h). */
export interface Start {
  args: readonly string[];
  env: Record<string, string>;
  /** Descriptors of ours for it; without `stdin` that is /dev/null. */
  fds: { socket: number; stdin: number | undefined; stdout: number; stderr: number };
}

export interface Started {
  /** Resolves when it has gone, and nothing is left of it. */
  gone(): Promise<unknown>;
  /** Nobody will wait for it. */
  leave(): void;
}

export type Starter = (start: Start) => Started;

/** A descriptor of ours for the child. execa takes any number, its types only the small ones. */
export const inherit = (fd: number): 3 => fd as 3;

/** By a fork of this process. */
export const start: Starter = ({ args, env, fds: { socket, stdin, stdout, stderr } }) => {
  const launcher = execa(nativePath('fuse-rig-launch'), ['3', ...args], {
    stdio: [
      stdin === undefined ? 'ignore' : inherit(stdin),
      inherit(stdout),
      inherit(stderr),
      inherit(socket),
    ],
    env,
    extendEnv: false,
    reject: false,
    buffer: false,
    cleanup: false,
  });
  return { gone: async () => await launcher, leave: () => launcher.unref() };
};

/** How long this thread sleeps before others have a turn. */
const SLICE_MS = 20;

/** By the keeper of a scratch directory, to which `keeper` is our end of its socket. */
export const startBy =
  (keeper: number): Starter =>
  ({ args, env, fds: { socket, stdin, stdout, stderr } }) => {
    const words = [...args, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
    const file = native.memoryFile(Buffer.from(`${words.join('\0')}\0`));
    const [end, theirEnd] = native.pipePair();
    const message = Buffer.alloc(16);
    message.writeUInt32LE(KEEPER.start, 0);
    message.writeUInt32LE(args.length, 8);
    const last = stdin === undefined ? [] : [stdin];
    // Where it fails nobody holds the socket, and so it is told to who waits for the server.
    native.sendFds(keeper, message, [file, socket, theirEnd, stdout, stderr, ...last]);
    native.closeFd(file);
    native.closeFd(theirEnd);
    const gone = async () => {
      while (!native.waitFd(end, SLICE_MS)) await setImmediate();
      native.closeFd(end);
    };
    return { gone, leave: () => void native.closeFd(end) };
  };
