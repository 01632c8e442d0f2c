/** Scratch directories, each with a process of its own that removes it at last. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { native, nativePath } from '../../native/load.ts';
import { errnoName } from '../protocol/errno.ts';
import { LaunchError } from './launch_error.ts';
import { inherit, type Starter, startBy } from './starter.ts';
import { KEEPER } from './traps.ts';

export interface Scratch {
  /** An empty directory of this run, mode 0700. */
  path: string;
  /** Starts servers that work there: its keeper. */
  starter: Starter;
  /** Removes what is left of it. */
  close(): Promise<void>;
}

/** A scratch directory in one that has its keeper already. */
export const scratchIn = ({ path, starter }: Scratch): Scratch => ({
  path: mkdtempSync(join(path, 'run-')),
  starter,
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
  if (status === 0) {
    const path = answer.toString('utf8', 16, n).replace(/\0.*$/, '');
    return { path, starter: startBy(ours), close };
  }
  native.closeFd(ours);
  const why = status < 0 ? 'its keeper did not start' : errnoName(-status);
  throw new LaunchError(
    `cannot make a scratch directory in ${parent}: ${why}; name a writable directory in TMPDIR`,
  );
}
