/** A server in front of the real kernel, as record and live are told of it and tell of it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RecordResult } from '../../recorder/options.ts';
import { EXIT } from '../engine/exit_codes.ts';
import { refuse } from './commands/print.ts';

/** How it is started. */
export const serverOptions = (command: string[], fixture: string | undefined) => ({
  command,
  cwd: process.cwd(),
  env: process.env as Record<string, string>,
  umask: process.umask(),
  ...(fixture === undefined ? {} : { fixture: resolve(fixture) }),
  ...(process.stdin.isTTY ? {} : { stdin: 0 }),
});

/** True, and said why, where there is no such fixture. */
export function refusedFixture(fixture: string | undefined): boolean {
  if (fixture === undefined || existsSync(fixture)) return false;
  refuse(`${fixture}: no such fixture; --fixture names the server's backing directory or image`);
  return true;
}

export function exitWords({ exit }: RecordResult): string {
  if (exit === null) return 'the server never ended';
  return exit.code === null ? `signal ${exit.signal}` : `exit ${exit.code}`;
}

/** Why there is no capture, and the exit code of that. */
export function notMounted(result: RecordResult): { text: string; code: number } {
  const { mountFailed } = result;
  const how = exitWords(result);
  const code = EXIT.rigFailed;
  if (result.reason === 'interrupt') return { text: 'stopped before the server had mounted', code };
  if (mountFailed !== undefined) {
    const { target, errno } = mountFailed;
    const text = `the mount on ${target} failed with ${errno} and the server ended (${how})`;
    if ((errno !== 'EPERM' && errno !== 'EACCES') || process.geteuid?.() === 0) {
      return { text: `${text}; name a mountpoint that exists and is free`, code };
    }
    const remedy = 'mount as root, or with fusermount3 installed and /dev/fuse open to you';
    return { text: `${text}; ${remedy}: run: fuse-rig doctor`, code: EXIT.missingFeature };
  }
  const what = result.neverOpened ? 'opening /dev/fuse' : 'mounting';
  const remedy = 'is it a FUSE server, and are its arguments right?';
  return { text: `the server ended (${how}) without ${what}; ${remedy}`, code };
}
