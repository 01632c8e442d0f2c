/** A command that works on a live mount: it starts when the mount stands, and nothing of it stays. */
import { scheduler } from 'node:timers/promises';
import { execa } from 'execa';

export interface Workload {
  /** How it ended; undefined while it runs. */
  readonly ended: string | undefined;
  /** Told to end, and killed where it does not. Resolves when it is gone, or cannot be ended. */
  end(graceMs: number): Promise<void>;
}

const LOOK_MS = 20;
const TERM_MS = 2000;

/** `{mountpoint}` in a shell command stands for where the server has mounted. */
export function startWorkload(command: string, mountpoint: string, done: () => void): Workload {
  const text = command.replaceAll('{mountpoint}', mountpoint);
  const child = execa('/bin/sh', ['-c', text], {
    env: { FUSE_RIG_MOUNTPOINT: mountpoint },
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
    // A group of its own: all of it is ended together.
    detached: true,
    cleanup: false,
  });
  let ended: string | undefined;
  void child.then(({ exitCode, signal }) => {
    ended = exitCode === undefined ? `signal ${signal}` : `exit ${exitCode}`;
    done();
  });
  const gone = async (ms: number) => {
    for (let waited = 0; ended === undefined && waited < ms; waited += LOOK_MS) {
      await scheduler.wait(LOOK_MS);
    }
  };
  const send = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  };
  return {
    get ended() {
      return ended;
    },
    async end(graceMs) {
      await gone(graceMs);
      if (ended === undefined) send('SIGTERM');
      await gone(TERM_MS);
      send('SIGKILL');
      await gone(TERM_MS);
      if (ended === undefined) child.unref();
    },
  };
}
