/**
 * fuse-rig-server, built with the project: the server whose every transport habit is an option. Its
 * memory file system starts empty and needs no fixture.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtProgram, run } from '../run.ts';
import { missingDevice, type Recipe, type Variant } from './recipe.ts';
import { seedTree } from './seed.ts';

const server = () => builtProgram('fuse-rig-server') ?? 'fuse-rig-server';

const missing = () =>
  builtProgram('fuse-rig-server') === undefined
    ? 'fuse-rig-server is not built: npm run build'
    : missingDevice();

async function version(): Promise<string | undefined> {
  if (builtProgram('fuse-rig-server') === undefined) return undefined;
  const ran = await run(server(), ['--help'], { timeoutS: 10 });
  return ran.code === 0 ? 'fuse-rig-server, built here' : undefined;
}

const variant = (fs: string, name: string, ...options: string[]): Variant => ({
  name,
  command: [server(), '--fs', fs, ...options, '{mountpoint}'],
  daemon: options.includes('--daemon'),
});

const passthrough = (name: string, ...options: string[]) =>
  variant('passthrough={fixture}/src', name, ...options);
/** The same program without a dynamic linker. */
const statically = ({ name, command }: Variant): Variant => ({
  name,
  command: [`${command[0]}-static`, ...command.slice(1)],
});

const memory = (name: string, ...options: string[]) => variant('memory', name, ...options);

export const referencePassthrough: Recipe = {
  name: 'reference-passthrough',
  packages: [],
  version,
  missing,
  prepare: async (fixture) => seedTree(join(fixture, 'src')),
  variants: [
    passthrough('plain'),
    passthrough('threads', '--threads', '4'),
    passthrough('clone', '--threads', '4', '--clone'),
    passthrough('nonblock', '--threads', '2', '--nonblock=epoll'),
    passthrough('readv', '--io', 'readv', '--reply', 'write'),
    passthrough('splice', '--io', 'splice', '--reply', 'splice'),
    passthrough('newapi', '--mount', 'newapi'),
    passthrough('fusermount', '--mount', 'fusermount'),
    passthrough('writeback', '--writeback'),
    statically(passthrough('static')),
    passthrough('daemon', '--daemon'),
  ],
  capabilities: ['write', 'direct', 'xattr', 'hardlink', 'symlink', 'mknod'],
  sigtermCodes: [0],
  fusermount: false,
};

export const referenceMemory: Recipe = {
  name: 'reference-memory',
  packages: [],
  version,
  missing,
  prepare: async (fixture) => writeFileSync(join(fixture, 'unused'), ''),
  variants: [
    memory('plain'),
    memory('notify', '--notify', 'inval,store,retrieve,poll'),
    memory('clone', '--threads', '4', '--clone'),
    memory('splice', '--threads', '2', '--io', 'splice', '--reply', 'splice'),
    memory('daemon', '--daemon'),
  ],
  capabilities: ['write', 'direct', 'xattr', 'hardlink', 'symlink', 'mknod', 'notify'],
  sigtermCodes: [0],
  fusermount: false,
};
