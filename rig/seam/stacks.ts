/**
 * User stacks of a server that does not end, or is about to die of a signal, by gdb or eu-stack where one is installed: they say where
 * in the server's code a thread waits. Optional, bounded in time, and never part of a verdict. The tool
 * stops the threads, which the rig must go on serving: a held call is given back when a signal comes.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { native } from '../../native/load.ts';
import type { ThreadStack } from '../events.ts';
import type { Watches } from './watches.ts';

/** A tool gets this long for all processes together, and is killed then. */
const LIMIT_S = 5;
const PROCESSES_MAX = 4;
const FRAMES_MAX = 8;
/** Of the one thread that crashed. */
const CRASH_FRAMES_MAX = 16;
/** A pipe holds 64 KiB; what is more would block the tool. */
const OUTPUT_MAX = 60_000;

const onPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Prints stacks of process $p. No tool may ask a server of debug information. */
const TOOLS = {
  'eu-stack': 'eu-stack -p $p',
  gdb: "gdb -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -p $p -ex 'thread apply all backtrace 12'",
} as const;
export type StackTool = keyof typeof TOOLS;

export const stackTool = (): StackTool | undefined =>
  (Object.keys(TOOLS) as StackTool[]).find(onPath);

/** What gdb writes behind a name, and gives values of: a call in them is the deepest. */
const ARGUMENTS = / \([^()]*(?:\([^()]*\)[^()]*)*\)$/;

/** `#0  0x7f.. in read (fd=3) from /lib/x.so` and `#0  0x00007f2c read`: what of it says where. */
function frame(line: string): string | undefined {
  const found = /^#\d+\s+(?:0x[0-9a-f]+ )?(?:in )?(.+)$/.exec(line);
  if (found === null) return undefined;
  const [, said = ''] = found;
  const where = / (?:from|at) (?:\/proc\/\d+\/root)?(\S+)$/.exec(said)?.[1];
  // Not the parentheses of `(anonymous namespace)` or `operator()`.
  const name = said.replace(/ (from|at) \S+$/, '').replace(ARGUMENTS, '');
  const address = /^#\d+\s+(0x[0-9a-f]+)/.exec(line)?.[1];
  if (name === '??' && address !== undefined) return `0x${BigInt(address).toString(16)}`;
  return where === undefined ? name : `${name} at ${where}`;
}

/** Reads what either tool prints: of each thread at most so many frames. */
export function parseStacks(text: string, framesMax = FRAMES_MAX): ThreadStack[] {
  const stacks: ThreadStack[] = [];
  for (const line of text.split('\n')) {
    const thread = /^TID (\d+):|^Thread \d+ .*\((?:LWP|process) (\d+)\b/.exec(line);
    if (thread !== null) stacks.push({ tid: Number(thread[1] ?? thread[2]), frames: [] });
    const at = frame(line);
    const last = stacks.at(-1);
    if (at !== undefined && last !== undefined && last.frames.length < framesMax) {
      last.frames.push(at);
    }
  }
  return stacks.filter(({ frames }) => frames.length > 0);
}

/** All that lies in a pipe; somebody may still hold its other end. */
function take(pipe: number): string {
  const bytes = Buffer.alloc(OUTPUT_MAX);
  let filled = 0;
  for (let n = 1; n > 0; filled += Math.max(0, n)) {
    n = native.readFd(pipe, bytes.subarray(filled), bytes.length - filled);
  }
  return bytes.toString('latin1', 0, filled);
}

/** Runs a shell's command beside the session; `done` is called once, with what it printed in time. */
function run(watches: Watches, command: string, done: (text: string) => void): void {
  const [output, input] = native.pipePair();
  const script = `${command} | head -c ${OUTPUT_MAX} >/proc/${process.pid}/fd/${input}`;
  const argv = ['timeout', '-s', 'KILL', String(LIMIT_S), 'sh', '-c', script];
  const pending = native.runThere(process.pid, argv);
  if (pending < 0) {
    for (const fd of [output, input]) native.closeFd(fd);
    done('');
    return;
  }
  const tag = watches.add(pending, () => {
    watches.remove(tag);
    native.finish(pending);
    native.closeFd(input);
    const text = take(output);
    native.closeFd(output);
    done(text);
  });
}

/**
 * Has the stacks of these processes taken, beside the session. `done` is called once: with none where
 * no tool is there, or it says nothing in time.
 */
export function takeStacks(
  watches: Watches,
  pids: readonly number[],
  done: (stacks: ThreadStack[], tool: StackTool | undefined) => void,
): void {
  const tool = pids.length === 0 ? undefined : stackTool();
  if (tool === undefined) {
    done([], undefined);
    return;
  }
  const words = pids.slice(0, PROCESSES_MAX).join(' ');
  const command = `for p in ${words}; do ${TOOLS[tool]}; done 2>/dev/null </dev/null`;
  run(watches, command, (text) => done(parseStacks(text), tool));
}

/**
 * Prints the stack in core file $c of a process $p that still stands; gdb says files and lines. Its library
 * for threads would find those that are not in the core.
 */
const CORE_TOOLS = {
  gdb: "gdb -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -iex \"set sysroot /proc/$p/root\" -iex 'set libthread-db-search-path /nowhere' /proc/$p/exe \"$c\" -ex 'thread apply all backtrace 24'",
  'eu-stack': 'eu-stack --core="$c" --executable=/proc/$p/exe',
} as const;

/** Has the stack of the thread in a core file taken; `done` as of takeStacks. */
export function takeCoreStack(
  watches: Watches,
  { pid, core }: { pid: number; core: string },
  done: (frames: readonly string[], tool: StackTool | undefined) => void,
): void {
  const tool = (Object.keys(CORE_TOOLS) as StackTool[]).find(onPath);
  if (tool === undefined) {
    done([], undefined);
    return;
  }
  const quoted = `'${core.replaceAll("'", "'\\''")}'`;
  const command = `p=${pid}; c=${quoted}; ${CORE_TOOLS[tool]} 2>/dev/null </dev/null`;
  run(watches, command, (text) => done(parseStacks(text, CRASH_FRAMES_MAX)[0]?.frames ?? [], tool));
}
