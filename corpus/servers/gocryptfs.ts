/**
 * gocryptfs: Go, go-fuse. Mounts through fusermount3 even as root, and opens a file of its own
 * mount. The fixture holds cipher text: the key's work factor is the lowest, the password is no secret.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../run.ts';
import { startServer } from './live.ts';
import { missingPrograms, type Recipe, versionLine } from './recipe.ts';
import { seedTree } from './seed.ts';

const OPTIONS = ['-q', '-passfile', '{fixture}/pass', '{fixture}/cipher', '{mountpoint}'];

export const gocryptfs: Recipe = {
  name: 'gocryptfs',
  packages: ['gocryptfs', 'fuse3'],
  version: () => versionLine('gocryptfs', ['-version'], /^gocryptfs /),
  missing: () => missingPrograms(['gocryptfs', 'fusermount3']),
  prepare: async (fixture) => {
    await initCipher(fixture);
    await fill(fixture);
  },
  variants: [
    { name: 'plain', command: ['gocryptfs', '-fg', ...OPTIONS] },
    { name: 'daemon', command: ['gocryptfs', ...OPTIONS], daemon: true },
  ],
  capabilities: ['write', 'direct', 'xattr', 'hardlink', 'symlink', 'mknod'],
  // Its signal handler unmounts and then exits with 15; the main goroutine, which the unmount ends, may
  // return with 0 before that (seen without the rig too, on a busy machine).
  sigtermCodes: [15, 0],
  fusermount: true,
};

/** An empty file system of its own. */
export async function initCipher(fixture: string): Promise<void> {
  const cipher = join(fixture, 'cipher');
  mkdirSync(cipher);
  writeFileSync(join(fixture, 'pass'), 'fuse-rig\n');
  const key = ['-passfile', join(fixture, 'pass'), '-scryptn', '10'];
  await must('gocryptfs', ['-init', '-q', ...key, cipher]);
}

/** Only gocryptfs itself can encrypt the tree: mounts once, copies it in, unmounts. */
async function fill(fixture: string): Promise<void> {
  const plain = join(fixture, 'plain');
  const mountpoint = join(fixture, 'mnt');
  mkdirSync(mountpoint);
  seedTree(plain);
  const server = await startServer({
    command: gocryptfs.variants[0].command,
    places: { fixture, mountpoint },
  });
  try {
    await must('cp', ['-a', `${plain}/.`, mountpoint]);
  } finally {
    await server.end();
  }
  await must('rm', ['-r', plain, mountpoint]);
}
