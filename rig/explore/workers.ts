/**
 * The worker processes of a campaign. One that dies is replaced, and the task it had is answered with
 * how it died; one that does not come to an end is killed. Its keepers remove what it had started.
 */
import { scheduler } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Answer, Task, TaskError } from './tasks.ts';

/** Tests run from the sources, which a process of Node's own cannot: for them it is the built one. */
const WORKER = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../dist/rig/explore/worker.js' : './worker.js',
    import.meta.url,
  ),
);
/** A replay ends by itself long before: this is for a rig that does not. */
const LIMIT_MS = 300_000;
/** Whatever a run leaves in its process, it is not left to pile up. */
const TASKS_MAX = 500;

const start = () =>
  execa(process.execPath, [WORKER], {
    ipc: true,
    serialization: 'json',
    // A session of its own: Ctrl-C is for who gives the tasks.
    detached: true,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    reject: false,
  });

export class Workers {
  readonly #free: Worker[] = [];
  readonly #all = new Set<Worker>();
  #ids = 0;

  /** Answers with how the task went; an error of its name `WorkerDied` where its process did not live to say. */
  async run(task: Omit<Task, 'id'>): Promise<Answer> {
    const worker = this.#free.pop() ?? this.#start();
    const answer = await worker.perform({ ...task, id: ++this.#ids });
    if (worker.usable) this.#free.push(worker);
    else {
      worker.kill();
      this.#all.delete(worker);
    }
    return answer;
  }

  #start(): Worker {
    const worker = new Worker();
    this.#all.add(worker);
    return worker;
  }

  /** Ends every worker, at work or not; resolves when they have gone. */
  async close(): Promise<void> {
    const all = [...this.#all];
    for (const worker of all) worker.kill();
    await Promise.all(all.map((worker) => worker.gone));
  }
}

class Worker {
  #tasks = 0;
  #dead = false;
  readonly #child: ReturnType<typeof start>;
  readonly gone: Promise<void>;
  #died = '';

  constructor() {
    this.#child = start();
    this.gone = this.#child.then(({ exitCode, signal }) => {
      this.#dead = true;
      this.#died = signal === undefined ? `with ${exitCode}` : `of ${signal}`;
    });
  }

  get usable(): boolean {
    return !this.#dead && this.#tasks < TASKS_MAX;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async perform(task: Task): Promise<Answer> {
    this.#tasks++;
    const limit = new AbortController();
    const late = scheduler.wait(LIMIT_MS, { signal: limit.signal }).then(
      () => 'late' as const,
      () => undefined,
    );
    try {
      const answered = this.#answer(task);
      const first = await Promise.race([answered, late, this.gone]);
      if (first === 'late') {
        this.kill();
        await this.gone;
        return failed(task, 'RunTooLong', `the run did not end in ${LIMIT_MS / 1000} s`);
      }
      if (first !== undefined) return first;
      return failed(task, 'WorkerDied', `the worker process died ${this.#died}`);
    } finally {
      limit.abort();
    }
  }

  /** Undefined: the process went without one. */
  async #answer(task: Task): Promise<Answer | undefined> {
    try {
      const next = this.#child.getOneMessage();
      await this.#child.sendMessage(task as never);
      return (await next) as unknown as Answer;
    } catch {
      await this.gone;
      return undefined;
    }
  }
}

const failed = ({ id }: Task, name: string, message: string): Answer => {
  const error: TaskError = { name, message, code: '' };
  return { id, error };
};
