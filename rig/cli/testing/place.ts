/** A directory of a test's own for what is typed: the command line as built, and what it left. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa, execaSync } from 'execa';
import type { TestContext } from 'vitest';
import { missingDevice } from '../../../corpus/servers/recipe.ts';
import { nativePath } from '../../../native/load.ts';
import { CaptureReader } from '../../../recorder/capture/reader.ts';

const BIN = fileURLToPath(new URL('../bin.mjs', import.meta.url));
export const SERVER = nativePath('fuse-rig-server');
export const SMALL = fileURLToPath(
  new URL('../../../corpus/campaigns/small.fusecap', import.meta.url),
);
export const isRoot = process.geteuid?.() === 0;
const NOBODY = 65534;

export const needsMounts = (context: TestContext): void => {
  const why = isRoot ? missingDevice() : 'only root may mount here for certain';
  context.skip(why !== undefined, why);
};

export interface TypedOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** As an ordinary user (only root can). */
  ordinary?: boolean;
  /** Seconds. */
  limit?: number;
}

export class Place {
  readonly dir = mkdtempSync(join(tmpdir(), 'fuse-rig-typed-'));
  readonly tmp = join(this.dir, 'tmp');
  readonly mountpoint = join(this.dir, 'mnt');
  readonly source = join(this.dir, 'src');

  constructor() {
    for (const path of [this.tmp, this.mountpoint, this.source]) mkdirSync(path);
  }

  at(name: string): string {
    return join(this.dir, name);
  }

  /** Starts `fuse-rig ARGS` here. */
  type(args: readonly string[], options: TypedOptions = {}) {
    return execa(process.execPath, [BIN, ...args], {
      cwd: options.cwd ?? this.dir,
      env: { TMPDIR: this.tmp, FUSE_RIG_PLACE: this.dir, ...options.env },
      stdin: 'ignore',
      reject: false,
      timeout: (options.limit ?? 30) * 1000,
      ...(options.ordinary ? { uid: NOBODY, gid: NOBODY } : {}),
    });
  }

  /** The same; what it prints goes to this file. */
  printing(file: string, args: readonly string[]) {
    return execa('sh', ['-c', 'exec "$@" > "$0"', file, process.execPath, BIN, ...args], {
      cwd: this.dir,
      env: { TMPDIR: this.tmp, FUSE_RIG_PLACE: this.dir },
      stdin: 'ignore',
      reject: false,
    });
  }

  /** `record` of the reference server over `source`, with the mount standing. */
  async recording(args: readonly string[] = [], server: readonly string[] = []) {
    const command = [SERVER, '--fs', `passthrough=${this.source}`, ...server, this.mountpoint];
    const child = this.type(['record', '-o', this.at('o.fusecap'), ...args, '--', ...command]);
    await this.until(() => this.mounts() > 0);
    // Not the child itself: it is a promise of its end.
    return { child };
  }

  /** Kinds of the events in a capture here; a `.partial` to its last whole frame. */
  kinds(name: string): string[] {
    const reader = CaptureReader.open(this.at(name), { partial: name.endsWith('.partial') });
    const found = [...reader.events()].map((event) => event.kind);
    reader.close();
    return found;
  }

  /** What lies in the mount. */
  look(): string {
    return execaSync('ls', [this.mountpoint], { timeout: 10_000 }).stdout;
  }

  /** Waits; fails after ten seconds. */
  async until(holds: () => boolean): Promise<void> {
    for (let looks = 0; looks < 1000; looks++) {
      if (holds()) return;
      await scheduler.wait(10);
    }
    throw new Error('waited in vain');
  }

  mounts(): number {
    return readFileSync('/proc/self/mounts', 'utf8').split(`${this.dir}/`).length - 1;
  }

  /** Processes that were started here and still run. */
  processes(): number[] {
    return readdirSync('/proc').flatMap((name) => {
      try {
        const environ = /^\d+$/.test(name) ? readFileSync(`/proc/${name}/environ`, 'latin1') : '';
        return environ.includes(`FUSE_RIG_PLACE=${this.dir}\0`) ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
  }

  /** What is here, apart from what belongs here; processes, mounts and temporary files too. */
  left(...known: string[]): string[] {
    const files = readdirSync(this.dir).filter(
      (name) => !['tmp', 'mnt', 'src', ...known].includes(name),
    );
    return [
      ...files,
      ...readdirSync(this.tmp),
      ...this.processes().map((pid) => `process ${pid}`),
      ...(this.mounts() > 0 ? ['a mount'] : []),
    ];
  }

  remove(): void {
    for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n').reverse()) {
      const target = line.split(' ')[1] ?? '';
      if (target.startsWith(`${this.dir}/`)) execaSync('umount', ['-l', target], { reject: false });
    }
    for (const pid of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone meanwhile.
      }
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
