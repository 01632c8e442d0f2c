/** The small tree that every recipe serves at first: what a workload that only reads will find. */
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '../prng.ts';
import { makeTree, sourceText } from '../source_tree.ts';

const FILES = 30;
const BIG_BYTES = 700_000;

/** Fills `dir` (made if absent). `links: false` leaves out what rclone's local backend does not show. */
export function seedTree(dir: string, links = true): void {
  mkdirSync(dir, { recursive: true });
  const first = makeTree(dir, { files: FILES, seed: 1, links })[0] ?? '';
  writeFileSync(join(dir, 'big'), sourceText(new Prng(2), BIG_BYTES));
  writeFileSync(join(dir, 'empty'), '');
  mkdirSync(join(dir, 'deep/a/b/c/d/e'), { recursive: true });
  writeFileSync(join(dir, 'deep/a/b/c/d/e/leaf'), 'leaf\n');
  if (!links) return;
  linkSync(join(dir, first), join(dir, 'hardlink'));
  symlinkSync('/nowhere/at/all', join(dir, 'dangling'));
}
