/**
 * A source tree of any size, the same for the same seed on every machine: directories, text files
 * with the sizes of source code, a few larger ones, executables, symbolic links, odd names.
 */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from './prng.ts';

const WORDS =
  'static int return struct node inode reply request buffer length offset if else while for const'.split(
    ' ',
  );
const ODD_NAMES = ['with space', 'ünïcödé', `long-${'n'.repeat(200)}`, '-dash', 'a:b,c=d'];

export interface TreeOptions {
  files: number;
  seed: number;
  /** Symbolic links and odd names too; true if not given. */
  links?: boolean;
}

/** Text of about `size` bytes. */
export function sourceText(prng: Prng, size: number): string {
  let text = '';
  while (text.length < size) {
    const line = Array.from({ length: 3 + prng.below(8) }, () => prng.pick(WORDS)).join(' ');
    text += `${' '.repeat(2 * prng.below(4))}${line};\n`;
  }
  return text.slice(0, size);
}

/** Fills the existing directory `root`. Returns the files' paths below it, in order. */
export function makeTree(root: string, options: TreeOptions): string[] {
  const prng = new Prng(options.seed);
  const dirs = [''];
  const paths: string[] = [];
  for (let i = 0; i < options.files; i++) {
    if (i % 12 === 0) {
      const dir = join(prng.pick(dirs), `d${dirs.length}`);
      mkdirSync(join(root, dir), { recursive: true });
      dirs.push(dir);
    }
    const path = join(prng.pick(dirs), `f${i}.${prng.pick(['c', 'h', 'ts', 'md'])}`);
    // Mostly a few KiB, every 50th up to 300 KiB, some empty.
    const size = i % 50 === 49 ? prng.below(300_000) : prng.below(20) * prng.below(500);
    writeFileSync(join(root, path), sourceText(prng, size));
    chmodSync(join(root, path), i % 10 === 0 ? 0o755 : 0o644);
    paths.push(path);
    if (options.links !== false && i % 25 === 0) symlinkSync(`f${i}`, join(root, `${path}.link`));
  }
  if (options.links !== false) {
    for (const name of ODD_NAMES) writeFileSync(join(root, name), sourceText(prng, 100));
  }
  return paths;
}
