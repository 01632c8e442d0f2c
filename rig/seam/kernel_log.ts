/**
 * What the kernel's log says of a process that died of a fault: address and instruction
 * (show_signal_msg() of arch/x86/mm/fault.c, do_error_trap()). Read where /dev/kmsg may be; nothing
 * is left behind, unlike by a core file.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';

const RECORD_MAX = 8192;
const SAID = /\[(\d+)\]:? ((?:segfault|trap|general protection) .*?)(?: likely on CPU.*)?$/;
/** Microseconds since the machine started, which is nearly CLOCK_MONOTONIC (/dev/kmsg, `printk_record`). */
const TIME = /^\d+,\d+,(\d+),/;
const NS_PER_US = 1000;
const SLACK_US = 1e6;

/** First lines of the records since `t` (CLOCK_MONOTONIC, ns); none where this user may not read them. */
function* since(t: number): Generator<string> {
  let fd: number;
  try {
    fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return;
  }
  const record = Buffer.alloc(RECORD_MAX);
  try {
    for (;;) {
      const n = readRecord(fd, record);
      if (n < 0) return;
      const line = record.toString('latin1', 0, n).split('\n')[0] ?? '';
      if (Number(TIME.exec(line)?.[1] ?? 0) > t / NS_PER_US - SLACK_US) yield line;
    }
  } finally {
    closeSync(fd);
  }
}

/** One read gives one record: its bytes; -1 behind the last. EPIPE: older ones were overwritten meanwhile. */
function readRecord(fd: number, record: Buffer): number {
  try {
    return readSync(fd, record);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : -1;
  }
}

/** What is said since `t` of one of these threads: `segfault at 10 ip ... in prog[...]`. */
export function saidOf(tids: ReadonlySet<number>, t: number): string | undefined {
  for (const line of since(t)) {
    const said = SAID.exec(line);
    if (said !== null && tids.has(Number(said[1]))) return said[2];
  }
  return undefined;
}
