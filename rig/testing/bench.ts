/**
 * A bench for the seam: a server is recorded on a real mount while clients work on it, and its
 * capture is replayed twice, both through the program itself. Every run has a temporary directory
 * and a mark of its own, so that what it leaves behind can be seen.
 */
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { run } from '../../corpus/run.ts';
import { abortConnection, startServer } from '../../corpus/servers/live.ts';
import { fuseMounts } from '../../recorder/mountinfo.ts';
import { built, type Recorded, type Replayed, type RunResult, SOME_WORK } from './bench_words.ts';
import { ROOT } from './sources.ts';

/** The program lies in the sources: `dist` has none of its own. */
const PROGRAM = [ROOT, join(ROOT, '..')]
  .map((root) => join(root, 'rig/cli/bin.mjs'))
  .find(existsSync) as string;

const GONE_LOOKS = 100;

export class Bench {
  readonly dir: string;
  readonly mountpoint: string;
  readonly fixture: string;
  readonly capture: string;
  readonly #tmp: string;
  /** Words before every program: who runs it. */
  #as: string[] = [];

  /** `user`: rig, server and clients run as this user, without any privilege. */
  constructor(user?: number) {
    this.dir = mkdtempSync(join(tmpdir(), 'fuse-rig-bench-'));
    this.mountpoint = join(this.dir, 'mnt');
    this.fixture = join(this.dir, 'fixture');
    this.capture = join(this.dir, 'a.fusecap');
    this.#tmp = join(this.dir, 'tmp');
    for (const path of [this.mountpoint, this.fixture, this.#tmp]) mkdirSync(path);
    if (user !== undefined) this.giveTo(user);
  }

  /** From now on all of it is this user's. */
  giveTo(user: number): void {
    this.#as = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--'];
    chownSync(this.dir, user, user);
    for (const name of readdirSync(this.dir)) chownSync(join(this.dir, name), user, user);
  }

  get places() {
    return { mountpoint: this.mountpoint, fixture: this.fixture };
  }

  /** Processes that carry the mark of this bench. */
  processes(): { pid: number; command: string[] }[] {
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      try {
        const marked = readFileSync(`/proc/${name}/environ`, 'latin1').includes(
          `FUSE_RIG_LIVE=${this.mountpoint}`,
        );
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return marked ? [{ pid: Number(name), command }] : [];
      } catch {
        return [];
      }
    });
  }

  /** Pids of the processes that run this very program. */
  pidsOf(program: string): number[] {
    return this.processes()
      .filter(({ command }) => command[0] === program)
      .map(({ pid }) => pid);
  }

  /** The program's process, waited for. */
  async pidOf(program: string): Promise<number> {
    for (let look = 0; look < GONE_LOOKS; look++) {
      const pid = this.pidsOf(program)[0];
      if (pid !== undefined) return pid;
      await scheduler.wait(20);
    }
    throw new Error(`${program} does not run`);
  }

  /** What is left of a run; takes it away, too. */
  async #leftovers(): Promise<string[]> {
    for (let look = 0; look < GONE_LOOKS && this.processes().length > 0; look++) {
      await scheduler.wait(20);
    }
    const left = this.processes().map(({ pid, command }) => {
      process.kill(pid, 'SIGKILL');
      return `process ${pid} ${command.join(' ')}`;
    });
    for (const mount of fuseMounts('self').filter((m) => m.target.startsWith(this.dir))) {
      left.push(`mount ${mount.target}`);
      abortConnection(mount.dev);
      await run('umount', ['-l', mount.target]);
    }
    for (const name of readdirSync(this.#tmp)) {
      left.push(`file ${name}`);
      rmSync(join(this.#tmp, name), { recursive: true, force: true });
    }
    return left;
  }

  /** Runs fuse-rig with these words, its environment marked; `prefix` are words before it. */
  async rig(
    args: readonly string[],
    options: { input?: string; env?: Record<string, string> } = {},
    prefix: readonly string[] = [],
  ) {
    const [first = '', ...words] = [...this.#as, ...prefix, process.execPath, PROGRAM, ...args];
    const ran = await run(first, words, {
      timeoutS: 60,
      cwd: this.dir,
      ...options,
      env: { ...options.env, FUSE_RIG_LIVE: this.mountpoint, TMPDIR: this.#tmp },
    });
    const result: RunResult = { ...ran, leftovers: await this.#leftovers() };
    return result;
  }

  /** Client operations on the mount; a client that does not end is killed and said so. */
  async client(operations: readonly string[], mountpoint = this.mountpoint): Promise<string[]> {
    const [first = '', ...words] = [...this.#as, built('fuse-rig-client'), mountpoint];
    const ran = await run(first, words, {
      input: `${operations.join('\n')}\n`,
      timeoutS: 20,
    });
    const lines = ran.stdout.split('\n').filter((line) => line !== '');
    if (ran.code !== 0) lines.push(`client ${ran.code ?? ran.signal} ${ran.ended} ${ran.stderr}`);
    return lines;
  }

  /** umount(8) of another mount of the server; its complaints. */
  async unmountOther(target: string): Promise<string[]> {
    const ran = await run('umount', [target], { timeoutS: 10 });
    return ran.code === 0 ? [] : [ran.stderr];
  }

  /** Starts `fuse-rig record` of a command (placeholders filled); resolves when it has mounted. */
  start(command: readonly string[], rigArgs: readonly string[] = []) {
    return startServer({
      command,
      places: this.places,
      prefix: [
        ...this.#as,
        process.execPath,
        PROGRAM,
        'record',
        '-q',
        '-o',
        this.capture,
        ...rigArgs,
        '--',
      ],
    });
  }

  /** Records a server while clients work; then unmounts (or SIGTERMs it) and waits. */
  async record(
    command: readonly string[],
    work: readonly string[] | (() => Promise<string[]>) = SOME_WORK,
    end: 'unmount' | 'sigterm' | 'itself' = 'unmount',
    rigArgs: readonly string[] = [],
  ): Promise<Recorded> {
    const live = await this.start(command, rigArgs);
    const lines = typeof work === 'function' ? await work() : await this.client(work);
    if (end === 'sigterm') {
      const program = (command[0] ?? '').replaceAll('{mountpoint}', this.mountpoint);
      for (const pid of this.pidsOf(program)) process.kill(pid, 'SIGTERM');
    }
    const ended = await (end === 'unmount' ? live.end() : live.wait());
    return { ...ended, lines, leftovers: [...ended.leftovers, ...(await this.#leftovers())] };
  }

  /** Replays the capture twice; `command` instead of the recorded one. */
  async replay(
    command: readonly string[] = [],
    options: { end?: string; once?: boolean; stacks?: boolean; args?: readonly string[] } = {},
  ): Promise<Replayed> {
    const ran = await this.rig([
      'replay',
      this.capture,
      '--json',
      ...(options.once ? [] : ['--twice']),
      ...(options.stacks ? [] : ['--no-stacks']),
      ...(options.end === undefined ? [] : ['--end', options.end]),
      ...(options.args ?? []),
      ...(command.length > 0 ? ['--', ...command] : []),
    ]);
    let said: Partial<Omit<Replayed, 'second'>> & {
      second?: { log: string; difference?: unknown };
    } = {};
    try {
      said = JSON.parse(ran.stdout);
    } catch {
      // Not even a verdict: the exit code and stderr say it.
    }
    return {
      code: ran.code,
      findings: said.findings ?? [],
      log: said.log ?? '',
      second: said.second?.log ?? '',
      difference: said.second?.difference,
      output: said.output ?? '',
      stderr: ran.stderr,
      seconds: said.seconds ?? 0,
      requests: said.requests ?? 0,
      news: said.news ?? 0,
      unsupported: said.unsupported ?? [],
      ring: said.ring ?? { queues: 0, depth: 0, requests: 0 },
      leftovers: ran.leftovers,
    };
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Runs `use` with a bench that is gone afterwards. */
export async function onBench<T>(use: (bench: Bench) => Promise<T>, user?: number): Promise<T> {
  const bench = new Bench(user);
  try {
    return await use(bench);
  } finally {
    bench.remove();
  }
}

export { built, CLEAN, cannotRecord, complaints, SOME_WORK } from './bench_words.ts';
