import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Prng } from './prng.ts';
import { makeTree } from './source_tree.ts';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

function digest(seed: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-tree-test-'));
  dirs.push(dir);
  const sha = createHash('sha256');
  for (const path of makeTree(dir, { files: 120, seed })) {
    sha.update(path).update(readFileSync(join(dir, path)));
  }
  return sha.digest('hex').slice(0, 16);
}

describe('the source tree', () => {
  it('is the same for the same seed, on every machine', () => {
    expect(digest(1)).toBe(digest(1));
    expect(digest(1)).toBe('a974c723e0120eca');
    expect(digest(2)).not.toBe(digest(1));
  });
});

describe('Prng', () => {
  it('gives the same numbers for the same seed', () => {
    const prng = new Prng(42);
    const numbers = Array.from({ length: 6 }, () => prng.below(1000));
    expect(numbers).toEqual([576, 891, 647, 370, 994, 983]);
  });
});
