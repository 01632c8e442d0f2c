/**
 * Ground of our own for programs that will be killed: a directory with everything they may touch, a
 * mark in their environment, and a look at what of them is left: processes, mounts, files.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fuseMounts } from '../../recorder/mountinfo.ts';
import { stopwatch } from '../../rig/stopwatch.ts';
import { run } from '../run.ts';
import { abortConnection } from '../servers/live.ts';

const LOOK_MS = 5;

/** The command line as built, from sources and from dist alike. */
export const RIG: readonly string[] = [
  process.execPath,
  fileURLToPath(
    new URL(
      import.meta.url.includes('/dist/') ? '../../../rig/cli/bin.mjs' : '../../rig/cli/bin.mjs',
      import.meta.url,
    ),
  ),
];

export class Ground {
  readonly dir = mkdtempSync(join(tmpdir(), 'fuse-rig-ground-'));
  readonly mountpoint = join(this.dir, 'mnt');
  readonly source = join(this.dir, 'src');
  /** TMPDIR of what runs here: what lies there when all have gone was left behind. */
  readonly tmp = join(this.dir, 'tmp');
  readonly env = { FUSE_RIG_GROUND: this.dir, TMPDIR: this.tmp };

  constructor() {
    for (const path of [this.mountpoint, this.source, this.tmp]) mkdirSync(path);
  }

  file(name: string): string {
    return join(this.dir, name);
  }

  /** Processes that carry our mark; zombies do not. With `comm`: only those of that name. */
  processes(comm?: string): number[] {
    return readdirSync('/proc').flatMap((name) => {
      try {
        if (!/^\d+$/.test(name)) return [];
        const environ = readFileSync(`/proc/${name}/environ`, 'latin1');
        if (!environ.includes(`FUSE_RIG_GROUND=${this.dir}\0`)) return [];
        if (comm === undefined) return [Number(name)];
        return readFileSync(`/proc/${name}/comm`, 'utf8').trim() === comm ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
  }

  mounts(): string[] {
    return fuseMounts('self').flatMap(({ target }) =>
      target.startsWith(this.dir) ? [target] : [],
    );
  }

  get mounted(): boolean {
    return this.mounts().length > 0;
  }

  /** What is left of the programs, one line each. */
  leftovers(): string[] {
    return [
      ...this.processes().map((pid) => `process ${pid} (${nameOf(pid)})`),
      ...this.mounts().map((target) => `mount ${target}`),
      ...readdirSync(this.tmp).map((name) => `file ${join(this.tmp, name)}`),
    ];
  }

  /** Removes everything, whatever it takes. */
  async remove(): Promise<void> {
    for (const { target, dev } of fuseMounts('self')) {
      if (!target.startsWith(this.dir)) continue;
      abortConnection(dev);
      await run('umount', ['-l', target]);
    }
    for (const pid of this.processes()) killQuietly(pid);
    await until(5, () => this.processes().length === 0);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export function killQuietly(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return 'gone';
  }
}

/** Waits until it holds, at most `seconds`. Returns how many seconds it took; undefined: it never did. */
export async function until(seconds: number, holds: () => boolean): Promise<number | undefined> {
  const elapsed = stopwatch();
  for (;;) {
    const took = elapsed();
    if (holds()) return took;
    if (took > seconds) return undefined;
    await scheduler.wait(LOOK_MS);
  }
}
