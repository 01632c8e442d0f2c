/** The servers of the kill campaign's moments. */
import { existsSync } from 'node:fs';
import type { Prng } from '../prng.ts';
import { builtProgram, onPath } from '../run.ts';
import { libfuseProgram } from '../servers/libfuse.ts';
import type { Ground } from './ground.ts';

/** How the server's requests come. */
export const TRANSPORTS = ['device', 'ring'] as const;
export type Transport = (typeof TRANSPORTS)[number];

const RING = ['--transport', 'ring', '--ring-required'];
const THREADS = ['--threads', '4'];

/** The reference server before a mirrored directory. */
export function reference({ source, mountpoint }: Ground, transport: Transport): string[] {
  const server = builtProgram('fuse-rig-server') ?? 'fuse-rig-server';
  const how = transport === 'ring' ? RING : THREADS;
  return [server, '--fs', `passthrough=${source}`, ...how, mountpoint];
}

/** Servers by turns: all mirror a directory. */
export function serverCommand(prng: Prng, ground: Ground, transport: Transport): string[] {
  const { source, mountpoint } = ground;
  const libfuse = libfuseProgram('passthrough_hp');
  const other =
    transport === 'ring'
      ? [libfuse, '--foreground', '--nopassthrough', '-o', 'io_uring', source, mountpoint]
      : ['bindfs', '-f', source, mountpoint];
  const there = transport === 'ring' ? existsSync(libfuse) : onPath('bindfs') !== undefined;
  return there && prng.below(2) === 0 ? other : reference(ground, transport);
}
