/** Folders of cases for what is typed about them: a sound one, and what can be wrong with others. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const DEMO = fileURLToPath(new URL('../../../corpus/demo/demo.fusecap', import.meta.url));

export const MEMORY = "['{server}', --fs, memory, '{mountpoint}']";

/** A sound case.yaml, line by line; `over` replaces lines by their key, '' takes one out. */
export function caseYaml(over: Record<string, string> = {}): string {
  const lines: Record<string, string> = {
    format: '1',
    about: 'a case of the tests',
    server: MEMORY,
    expect: '{ exit: 0, checks: { termination: pass, divergence: pass } }',
    ...over,
  };
  return Object.entries(lines)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

/** Makes the case `path` below `dir`; `capture` is copied into it unless null. */
export function makeCase(
  dir: string,
  path: string,
  yaml: string = caseYaml(),
  capture: string | null = DEMO,
): string {
  const at = join(dir, path);
  mkdirSync(at, { recursive: true });
  if (yaml !== '') writeFileSync(join(at, 'case.yaml'), yaml);
  if (capture !== null) copyFileSync(capture, join(at, 'capture.fusecap'));
  return at;
}
