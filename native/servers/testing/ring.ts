/** The reference server over a ring: whether that can be had here, and what it says of itself. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { whyNotOffered } from '../../../rig/testing/offer_ring.ts';
import { type Bench, type LiveServer, serverAt, whyNoMount } from './live.ts';

/** Why nothing can be served over a ring here; undefined if it can. */
export const whyNoRing = (): string | undefined => whyNoMount() ?? whyNotOffered();

/** It ends rather than go on without its ring. */
export const RING = ['--transport', 'ring', '--ring-required', '--stats'];

export const ringAt = (bench: Bench, options: readonly string[]): Promise<LiveServer> =>
  serverAt(bench, [...RING, ...options]);

/** What --stats says at the end: requests by the way they came; `silent` ones have no reply. */
export async function counts(server: LiveServer) {
  const said = await server.stdout;
  const [, ring, device, silent] =
    /requests: ring (\d+), device (\d+) \((\d+) of them forgets and interrupts\)$/.exec(said) ?? [];
  if (silent === undefined) throw new Error(`no counts in "${said}"`);
  return { ring: Number(ring), device: Number(device), silent: Number(silent) };
}

/** What a process has: threads, KiB of locked memory, and descriptors by what they are. */
export function holdings(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const fds = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  const named = (name: string) => fds.filter((target) => target === name).length;
  return {
    threads: of('Threads'),
    locked: of('VmLck'),
    devices: named('/dev/fuse'),
    rings: named('anon_inode:[io_uring]'),
    eventfds: named('anon_inode:[eventfd]'),
  };
}
