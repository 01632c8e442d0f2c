/**
 * Go's runtime keeps one thread that never waits for ever: sysmon (runtime/proc.go) looks after the
 * others, and when every P is idle sleeps in a futex for half of forcegcperiod, which is 60 s, or until
 * the next timer if that is sooner. So a wait of exactly that long says: no goroutine runs, and no
 * timer is due before. What sysmon may do at its end is to collect garbage, every second time; that a
 * finaliser then wakes a server is not taken into account.
 */
import { closeSync, openSync, readSync } from 'node:fs';

const SYSMON_S = 60n;
const FUTEX = 202;
const FUTEX_CMD_MASK = 0x7f;
const FUTEX_WAIT = 0;

const PT_NOTE = 4;
/** ELFNOTE of cmd/link: the build id, under the name "Go". */
const GO_BUILDID = 4;

/** Content of a file at an offset; shorter at its end, empty where it cannot be read. */
function bytesAt(path: string, offset: bigint, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  try {
    const fd = openSync(path, 'r');
    try {
      return bytes.subarray(0, readSync(fd, bytes, 0, size, offset));
    } finally {
      closeSync(fd);
    }
  } catch {
    return bytes.subarray(0, 0);
  }
}

/** Whether one of the notes (Elf64_Nhdr, name, description; each padded to 4) is Go's build id. */
function hasGoNote(notes: Buffer): boolean {
  for (let at = 0; at + 16 <= notes.length; ) {
    const nameSize = notes.readUInt32LE(at);
    const type = notes.readUInt32LE(at + 8);
    if (type === GO_BUILDID && notes.toString('latin1', at + 12, at + 15) === 'Go\0') return true;
    const padded = (size: number) => (size + 3) & ~3;
    at += 12 + padded(nameSize) + padded(notes.readUInt32LE(at + 4));
  }
  return false;
}

/** Whether the program (an ELF64 file) was linked by Go, be it through another linker. */
export function isGoProgram(path: string): boolean {
  const header = bytesAt(path, 0n, 64);
  if (header.length < 64 || header.toString('latin1', 0, 5) !== '\x7fELF\x02') return false;
  const size = header.readUInt16LE(54);
  const table = bytesAt(path, header.readBigUInt64LE(32), size * header.readUInt16LE(56));
  for (let at = 0; size >= 56 && at + size <= table.length; at += size) {
    if (table.readUInt32LE(at) !== PT_NOTE) continue;
    const length = Number(table.readBigUInt64LE(at + 32));
    if (hasGoNote(bytesAt(path, table.readBigUInt64LE(at + 8), Math.min(length, 4096))))
      return true;
  }
  return false;
}

/** Whether a thread's call (the words of /proc/PID/task/TID/syscall) is sysmon's long sleep. */
export function isSysmonSleep(pid: number, call: readonly string[]): boolean {
  const [nr, , operation, , timeout] = call;
  if (Number(nr) !== FUTEX || (Number(operation) & FUTEX_CMD_MASK) !== FUTEX_WAIT) return false;
  const timespec = bytesAt(`/proc/${pid}/mem`, BigInt(timeout ?? 0), 16);
  if (timespec.length < 16 || timespec.readBigInt64LE(0) !== SYSMON_S) return false;
  return timespec.readBigInt64LE(8) === 0n && isGoProgram(`/proc/${pid}/exe`);
}
