/**
 * User stacks of a server that does not end, by gdb or eu-stack where one is installed: they say where
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

/** `#0  0x7f.. in read (fd=3) from /lib/x.so` and `#0  0x00007f2c read`: what of it says where. */
function frame(line: string): string | undefined {
  const found = /^#\d+\s+(?:0x[0-9a-f]+ )?(?:in )?(.+)$/.exec(line);
  if (found === null) return undefined;
  const [, said = ''] = found;
  const name = said.replace(/ ?\(.*\)/, '').replace(/ (from|at) .*$/, '');
  const where = / (?:from|at) (\S+)$/.exec(said)?.[1];
  return where === undefined ? name : `${name} at ${where}`;
}

/** Reads what either tool prints. */
export function parseStacks(text: string): ThreadStack[] {
  const stacks: ThreadStack[] = [];
  for (const line of text.split('\n')) {
    const thread = /^TID (\d+):|^Thread \d+ .*\((?:LWP|process) (\d+)\b/.exec(line);
    if (thread !== null) stacks.push({ tid: Number(thread[1] ?? thread[2]), frames: [] });
    const at = frame(line);
    const last = stacks.at(-1);
    if (at !== undefined && last !== undefined && last.frames.length < FRAMES_MAX) {
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
  const [output, input] = native.pipePair();
  const words = pids.slice(0, PROCESSES_MAX).join(' ');
  const script = `for p in ${words}; do ${TOOLS[tool]}; done 2>/dev/null </dev/null | head -c ${OUTPUT_MAX} >/proc/${process.pid}/fd/${input}`;
  const argv = ['timeout', '-s', 'KILL', String(LIMIT_S), 'sh', '-c', script];
  const pending = native.runThere(process.pid, argv);
  if (pending < 0) {
    for (const fd of [output, input]) native.closeFd(fd);
    done([], undefined);
    return;
  }
  const tag = watches.add(pending, () => {
    watches.remove(tag);
    native.finish(pending);
    native.closeFd(input);
    const text = take(output);
    native.closeFd(output);
    done(parseStacks(text), tool);
  });
}
