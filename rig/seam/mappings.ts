/** What lies where in a process: /proc/PID/maps (proc_pid_maps(5)). */
import { readFileSync } from 'node:fs';

export interface Mapping {
  start: bigint;
  end: bigint;
  /** `rw-p` */
  perms: string;
  /** Bytes into the file. */
  offset: bigint;
  /** `/usr/bin/prog`, `[stack]`; empty for anonymous memory. */
  path: string;
}

const LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+\s*(.*)$/;

/** At most `most` of them, in order; none where the process is gone. */
export function mappingsOf(pid: number, most: number): Mapping[] {
  let text = '';
  try {
    text = readFileSync(`/proc/${pid}/maps`, 'latin1');
  } catch {
    return [];
  }
  return text
    .split('\n', most)
    .map((line) => LINE.exec(line))
    .filter((found) => found !== null)
    .map(([, start, end, perms = '', offset, path = '']) => ({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      perms,
      offset: BigInt(`0x${offset}`),
      path,
    }));
}

export const mappingAt = (mappings: readonly Mapping[], address: bigint): Mapping | undefined =>
  mappings.find(({ start, end }) => start <= address && address < end);

/** `libc.so.6+0x8b2f1`: where in a file an address lies; else the address. */
export function placeOf(mappings: readonly Mapping[], address: bigint): string {
  const hex = `0x${address.toString(16)}`;
  const mapping = mappingAt(mappings, address);
  if (mapping === undefined || !mapping.path.startsWith('/')) return hex;
  const into = address - mapping.start + mapping.offset;
  return `${mapping.path.split('/').at(-1)}+0x${into.toString(16)}`;
}
