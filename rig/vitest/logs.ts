/** The canonical logs of replays as files, named after the tests that made them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TestContext } from 'vitest';

/** A file's name holds 255 bytes; of a longer one the end tells tests apart. */
const NAME_MAX = 200;

/** `servers.test.ts renames a directory` as one word. */
function nameOf(task: TestContext['task'], count: number): string {
  const suites: string[] = [];
  for (let { suite } = task; suite !== undefined; suite = suite.suite) suites.unshift(suite.name);
  const words = [basename(task.file.name), ...suites, task.name].join(' ');
  const name = words.replaceAll(/[^\p{L}\p{N}._+-]+/gu, '-').slice(-NAME_MAX);
  return `${name}-${count}.log`;
}

/** Writes the log of the test's `count`-th replay into `dir`; gives its path. */
export function keepLog(
  dir: string,
  task: TestContext['task'],
  count: number,
  lines: readonly string[],
): string {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, nameOf(task, count));
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}
