/**
 * sshfs: libfuse 3, high-level, threads. No network and no ssh: its "ssh command" is a script of the
 * fixture that becomes the local sftp-server, whatever host it is told. (sftp-server refuses to run
 * if prctl(PR_SET_DUMPABLE, 0) fails.)
 */
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingPrograms, type Recipe, versionLine } from './recipe.ts';
import { seedTree } from './seed.ts';

const SFTP_SERVERS = [
  '/usr/lib/openssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
  '/usr/lib/ssh/sftp-server',
];

const SCRIPT = `#!/bin/sh
for server in ${SFTP_SERVERS.join(' ')}; do
  [ -x "$server" ] && exec "$server"
done
echo 'no sftp-server: install openssh-sftp-server' >&2
exit 1
`;

const MOUNT = ['-o', 'ssh_command={fixture}/sftp', 'nohost:{fixture}/src', '{mountpoint}'];

export const sshfs: Recipe = {
  name: 'sshfs',
  packages: ['sshfs', 'openssh-sftp-server', 'fuse3'],
  version: () => versionLine('sshfs', ['--version'], /^SSHFS version/),
  missing: () =>
    SFTP_SERVERS.some((path) => existsSync(path))
      ? missingPrograms(['sshfs'])
      : 'sftp-server not installed',
  prepare: async (fixture) => {
    seedTree(join(fixture, 'src'));
    writeFileSync(join(fixture, 'sftp'), SCRIPT);
    chmodSync(join(fixture, 'sftp'), 0o755);
  },
  variants: [
    { name: 'plain', command: ['sshfs', '-f', ...MOUNT] },
    { name: 'single', command: ['sshfs', '-f', '-s', ...MOUNT] },
    { name: 'connections', command: ['sshfs', '-f', '-o', 'max_conns=2', ...MOUNT] },
    { name: 'daemon', command: ['sshfs', ...MOUNT], daemon: true },
  ],
  capabilities: ['write', 'direct', 'hardlink', 'symlink'],
  sigtermCodes: [1],
  fusermount: false,
};
