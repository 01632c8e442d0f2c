/** The project's own source files, as rig/tidy.test.ts looks at them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Source {
  /** From the top of the project, such as `rig/events.ts`. */
  path: string;
  text: string;
  /** The text with comments and the contents of strings blanked; same lines. */
  code: string;
}

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.scratch', 'examples', 'golden']);
const SOURCE = /\.(ts|mjs|cc|h|c)$/;
const BLANKED =
  /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

/** Every file of the project below `dir`, from the top of the project. */
export function filesBelow(dir: string): string[] {
  return readdirSync(join(ROOT, dir), { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (NOT_OURS.has(entry.name)) return [];
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

export const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

export const blanked = (text: string): string =>
  text.replace(BLANKED, (found) => found.replace(/[^\n]/g, ' '));

export function sources(): Source[] {
  return filesBelow('')
    .filter((path) => SOURCE.test(path))
    .map((path) => {
      const text = readText(path);
      return { path, text, code: blanked(text) };
    });
}

/** Whether a file is there for tests only. */
export const isTest = (path: string): boolean =>
  /\.test\.ts$|(^|\/)testing\/|^rig\/protocol\/arbitraries\.ts$|^rig\/kernel\/scene\.ts$|^vitest\.config\.ts$/.test(
    path,
  );

/** Modules a file imports, packages as they are named, our own as paths from the top. */
export function importsOf({ path, text }: Source): string[] {
  const found = text.matchAll(
    /^(?:import|export)\b[^;']*?\sfrom '([^']+)'|\bimport[ (]'([^']+)'/gm,
  );
  return [...found].map(([, from, bare]) => {
    const name = from ?? bare ?? '';
    return name.startsWith('.') ? join(path, '..', name) : name;
  });
}

/** `path:line` of every place where `pattern` (global) is found. */
export function places(path: string, text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(
    ({ index, 0: found }) => `${path}:${text.slice(0, index).split('\n').length}  ${found.trim()}`,
  );
}
