/**
 * What clients do with a mount. A workload's lines say what came out, without anything that differs
 * from run to run (inode numbers, times, process ids): the same workload, seed and size on the same
 * server and fixture gives the same lines, with something of ours between or not.
 */
import { createHash } from 'node:crypto';
import { builtProgram, type RunOptions, run } from '../run.ts';
import type { Capability } from '../servers/recipe.ts';

export type Size = 'small' | 'full';

export interface Workload {
  name: string;
  /** What the mount's root must be; a directory if absent. */
  root?: 'file';
  /** Without these the workload would say nothing but errors. */
  needs: readonly Capability[];
  /** Programs it runs beside the client of ours. */
  programs: readonly string[];
  /** True: some of its calls wait in the server until another call comes. */
  waits?: true;
  /** Appends its lines to `log`. Works below a directory of its own name. */
  run(place: WorkloadPlace, log: Log): Promise<void>;
}

export interface WorkloadPlace {
  mountpoint: string;
  seed: number;
  size: Size;
}

export interface WorkloadResult {
  workload: string;
  seed: number;
  size: Size;
  lines: readonly string[];
  /** SHA-256 of the lines. */
  digest: string;
}

/** A client could not be ended in its time; the mount's connection should be aborted. */
export class WorkloadError extends Error {
  override name = 'WorkloadError';
  /** What the client had said until then. */
  readonly lines: readonly string[];

  constructor(message: string, lines: readonly string[]) {
    super(message);
    this.lines = lines;
  }
}

/** Seconds until a client's process group is killed. */
const CLIENT_S = { small: 60, full: 600 } as const;

/** Where a workload's lines go, and how it runs clients: in children, for a bounded time. */
export class Log {
  readonly lines: string[] = [];
  readonly #size: Size;

  constructor(size: Size) {
    this.#size = size;
  }

  say(line: string): void {
    this.lines.push(line);
  }

  /** Runs the native client's operations below `dir`; its lines become ours. */
  async client(dir: string, operations: readonly string[]): Promise<void> {
    const program = builtProgram('fuse-rig-client');
    if (program === undefined) throw new Error('fuse-rig-client is not built: npm run build');
    const ran = await this.#bounded(program, [dir], { input: `${operations.join('\n')}\n` });
    for (const line of ran.stdout.split('\n')) if (line !== '') this.lines.push(line);
    // What is said of a signal names places.
    if (ran.code === null) this.say(`client exit ${ran.signal}`);
    else if (ran.code !== 0) this.say(`client exit ${ran.code}: ${ran.stderr.trim()}`);
  }

  /**
   * Runs a program; says how it ended and what it printed on stdout: `shown` lines of it, or its
   * digest. Of stderr only the number of lines, since messages name places.
   */
  async program(
    label: string,
    command: string,
    args: readonly string[],
    options: RunOptions & { shown?: 'lines' | 'digest' | 'nothing' } = {},
  ): Promise<void> {
    const ran = await this.#bounded(command, args, options);
    const errors = ran.stderr.split('\n').filter((line) => line !== '').length;
    this.say(`${label}: exit ${ran.code ?? ran.signal}, ${errors} lines on stderr`);
    if (options.shown === 'lines') {
      for (const line of ran.stdout.split('\n')) if (line !== '') this.say(`  ${line}`);
    } else if (options.shown !== 'nothing') {
      const digest = createHash('sha256').update(ran.stdout).digest('hex').slice(0, 16);
      this.say(`  stdout ${ran.stdout.length} ${digest}`);
    }
  }

  async #bounded(command: string, args: readonly string[], options: RunOptions) {
    const ran = await run(command, args, { timeoutS: CLIENT_S[this.#size], ...options });
    if (ran.ended === 'itself') return ran;
    const said = ran.stdout.split('\n').filter((line) => line !== '');
    throw new WorkloadError(
      `${command} did not end in ${CLIENT_S[this.#size]} s (${ran.ended})`,
      this.lines.concat(said),
    );
  }
}

/** Runs a workload on a mount. Throws WorkloadError when a client does not end. */
export async function runWorkload(
  workload: Workload,
  mountpoint: string,
  seed: number,
  size: Size,
): Promise<WorkloadResult> {
  const log = new Log(size);
  await workload.run({ mountpoint, seed, size }, log);
  const digest = createHash('sha256').update(log.lines.join('\n')).digest('hex');
  return { workload: workload.name, seed, size, lines: log.lines, digest };
}

/** First line that differs between two results, or undefined. */
export function firstDifference(one: WorkloadResult, other: WorkloadResult): string | undefined {
  const count = Math.max(one.lines.length, other.lines.length);
  for (let i = 0; i < count; i++) {
    if (one.lines[i] === other.lines[i]) continue;
    const shown = (line: string | undefined) => (line === undefined ? '(nothing)' : line);
    return `${one.workload} line ${i + 1}: ${shown(one.lines[i])} | ${shown(other.lines[i])}`;
  }
  return undefined;
}

/** `count` values made by `make(0)`, `make(1)`, ... */
export function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
