/** A thread that is about to die of a signal, in words: signal, si_code, address, and where it is. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { HeldThread } from './core_file.ts';
import { mappingAt, mappingsOf, placeOf } from './mappings.ts';

export interface CrashSeen {
  signal: number;
  /** `SIGSEGV` */
  name: string;
  /** `SEGV_MAPERR`; empty where the number has no name. */
  code: string;
  /** Of a fault: the address, `0x10`. Of a signal that was sent: nothing. */
  address?: string;
  pid: number;
  tid: number;
  comm: string;
  /** The instruction: `prog+0x1234`, an offset into the file. */
  at: string;
  /** Innermost first; empty where nothing could tell, and `tool` says what was asked. */
  frames: readonly string[];
  tool?: string;
}

/** asm-generic/siginfo.h; those any signal may have. */
const CODES: Record<number, string> = {
  0: 'SI_USER',
  128: 'SI_KERNEL',
  [-1]: 'SI_QUEUE',
  [-2]: 'SI_TIMER',
  [-6]: 'SI_TKILL',
};
const CODES_OF: Record<string, readonly string[]> = {
  SIGSEGV: ['SEGV_MAPERR', 'SEGV_ACCERR', 'SEGV_BNDERR', 'SEGV_PKUERR'],
  SIGBUS: ['BUS_ADRALN', 'BUS_ADRERR', 'BUS_OBJERR', 'BUS_MCEERR_AR', 'BUS_MCEERR_AO'],
  SIGFPE: [
    ...['FPE_INTDIV', 'FPE_INTOVF', 'FPE_FLTDIV', 'FPE_FLTOVF'],
    ...['FPE_FLTUND', 'FPE_FLTRES', 'FPE_FLTINV', 'FPE_FLTSUB'],
  ],
  SIGILL: [
    ...['ILL_ILLOPC', 'ILL_ILLOPN', 'ILL_ILLADR', 'ILL_ILLTRP'],
    ...['ILL_PRVOPC', 'ILL_PRVREG', 'ILL_COPROC', 'ILL_BADSTK'],
  ],
  SIGTRAP: ['TRAP_BRKPT', 'TRAP_TRACE', 'TRAP_BRANCH', 'TRAP_HWBKPT'],
  SIGSYS: ['SYS_SECCOMP'],
};

/** Places in siginfo_t and user_regs_struct (sys/user.h) of x86-64; their sizes. */
const SI = { code: 8, addr: 16, size: 128 } as const;
const REGS = { rip: 16 * 8, rsp: 19 * 8, size: 27 * 8 } as const;
const MAPPINGS_MAX = 4096;

export const signalName = (number: number): string =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ??
  `signal ${number}`;

function processOf(tid: number): { pid: number; comm: string } {
  let text = '';
  try {
    text = readFileSync(`/proc/${tid}/status`, 'latin1');
  } catch {
    // Gone: somebody killed it.
  }
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  return { pid: Number(field('Tgid')) || tid, comm: field('Name') };
}

/**
 * Frames without a name, in words: a program may have been stripped. Where a caller lies in no code, its
 * stack was read wrongly from there on.
 */
export function placed(frames: readonly string[], { mappings }: HeldThread): string[] {
  const named = (frame: string) => !/^0x[0-9a-f]+$/.test(frame);
  const code = (frame: string) =>
    named(frame) || mappingAt(mappings, BigInt(frame))?.perms[2] === 'x';
  const wrong = frames.findIndex((frame, n) => n > 0 && !code(frame));
  const right = wrong < 0 ? frames : frames.slice(0, wrong);
  return right.map((frame) => (named(frame) ? frame : placeOf(mappings, BigInt(frame))));
}

/** Of the message of a keeper (native/launcher/crash_watch.cc). */
export function readCrash(
  tid: number,
  signal: number,
  said: Uint8Array,
): { seen: CrashSeen; held: HeldThread } {
  const bytes = Buffer.from(said.slice(0, SI.size + REGS.size));
  const siginfo = bytes.subarray(0, SI.size);
  const regs = bytes.subarray(SI.size);
  const { pid, comm } = processOf(tid);
  const mappings = mappingsOf(pid, MAPPINGS_MAX);
  const number = siginfo.readInt32LE(SI.code);
  const name = signalName(signal);
  const code = CODES[number] ?? CODES_OF[name]?.[number - 1] ?? '';
  // SI_KERNEL: a general protection fault, of whose address the processor says nothing.
  const address =
    number > 0 && number < 128 && CODES_OF[name] !== undefined
      ? { address: `0x${siginfo.readBigUInt64LE(SI.addr).toString(16)}` }
      : {};
  const at = placeOf(mappings, regs.readBigUInt64LE(REGS.rip));
  const sp = regs.readBigUInt64LE(REGS.rsp);
  return {
    seen: { signal, name, code, ...address, pid, tid, comm, at, frames: [] },
    held: { pid, tid, signal, siginfo, regs, sp, mappings },
  };
}

/** What a person is told. */
export function crashWords({
  name,
  code,
  address,
  tid,
  comm,
  at,
  frames,
  tool,
}: CrashSeen): string[] {
  const where = address === undefined ? '' : ` at address ${address}`;
  const lines = [
    `${name}${code === '' ? '' : ` (${code})`}${where}, in thread ${tid} ${comm}, at ${at}`,
    ...frames.map((frame, n) => `  #${n} ${frame}`),
  ];
  if (frames.length > 0) return lines;
  const why =
    tool === undefined
      ? 'the user stack is shown where gdb or eu-stack (elfutils) is installed'
      : `${tool} could not read the user stack`;
  return [...lines, `  ${why}`];
}
