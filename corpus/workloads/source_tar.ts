/** The source tree of a seed as an archive beside the mount. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '../run.ts';
import { makeTree } from '../source_tree.ts';

export async function tarOfTree(
  files: number,
  seed: number,
): Promise<{ tar: string; dir: string; remove(): void }> {
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-tree-'));
  const root = join(dir, 'tree');
  const tar = join(dir, 'tree.tar');
  mkdirSync(root);
  makeTree(root, { files, seed });
  const fixed = ['--sort=name', '--mtime=@946684800', '--owner=0', '--group=0', '--numeric-owner'];
  await must('tar', ['-cf', tar, ...fixed, '-C', root, '.']);
  return { tar, dir: root, remove: () => rmSync(dir, { recursive: true }) };
}
