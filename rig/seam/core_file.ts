/**
 * A core file of one thread, as elf(5) and the kernel (fs/binfmt_elf.c) have it, but small: what a stack is
 * unwound with. It is written while the thread is held, so that no debugger has to become its tracer,
 * which Yama may forbid and the thread's own tracer would be in the way of.
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import type { Mapping } from './mappings.ts';

/** Of all memory in it; of one mapping; of a stack, from where it is on. */
const MEMORY_MAX = 64n << 20n;
const PIECE_MAX = 4n << 20n;
const ANONYMOUS_MAX = 1n << 20n;
const STACK_MAX = 1n << 20n;
/** What a linker writes and then protects: where the list of libraries begins. */
const RELRO_MAX = 1n << 18n;
const PAGE = 4096n;
const GUARD_MAX = 1n << 20n;
/** Below the stack pointer: what a leaf function may use (the ABI's red zone). */
const RED_ZONE = 128n;

const NOTE = { prstatus: 1, prpsinfo: 3, auxv: 6, siginfo: 0x53494749, file: 0x46494c45 } as const;
const PT = { load: 1, note: 4 } as const;
const HEADER_SIZE = 64;
const SEGMENT_SIZE = 56;
const PRSTATUS_SIZE = 336;
const PRSTATUS_REGS = 112;
const PRPSINFO_SIZE = 136;

/** A held thread: siginfo_t and user_regs_struct as the kernel has them. */
export interface HeldThread {
  pid: number;
  tid: number;
  signal: number;
  siginfo: Buffer;
  regs: Buffer;
  /** Its stack pointer. */
  sp: bigint;
  mappings: readonly Mapping[];
}

interface Segment {
  mapping: Mapping;
  start: bigint;
  end: bigint;
  /** Bytes of it that are in the file; the rest is in the mapped one. */
  size: bigint;
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** How much of a mapping helps to unwind: data of programs and libraries, and an ELF file's header. */
function wanted({ start, end, perms, offset, path }: Mapping): bigint {
  const size = end - start;
  if (path === '[vdso]') return size;
  if (!perms.startsWith('r') || !perms.endsWith('p') || path.startsWith('[v')) return 0n;
  const file = path.startsWith('/');
  if (perms[1] === 'w') {
    if (file || path === '[heap]') return least(size, PIECE_MAX);
    return size <= ANONYMOUS_MAX ? size : 0n;
  }
  if (!file || perms[2] === 'x') return 0n;
  return offset === 0n ? PAGE : least(size, RELRO_MAX);
}

function segmentsOf({ mappings, sp }: HeldThread): Segment[] {
  const from = sp - RED_ZONE - ((sp - RED_ZONE) % PAGE);
  // Of a stack that is full the pointer lies below it.
  const stack = mappings.find(
    ({ start, end, perms }) => sp < end && start - sp < GUARD_MAX && perms.startsWith('rw'),
  );
  let left = MEMORY_MAX;
  return mappings.flatMap((mapping) => {
    const { start, end } = mapping;
    if (mapping === stack) {
      const begin = from > start ? from : start;
      const stop = least(end, begin + STACK_MAX);
      return [{ mapping, start: begin, end: stop, size: stop - begin }];
    }
    const size = least(wanted(mapping), left);
    left -= size;
    return size > 0n || mapping.path.startsWith('/') ? [{ mapping, start, end, size }] : [];
  });
}

function note(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt32LE(5, 0);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(type, 8);
  head.write('CORE', 12);
  return Buffer.concat([head, body, Buffer.alloc(-body.length & 3)]);
}

/** struct elf_prstatus of linux/elfcore.h. */
function prstatus({ tid, signal, regs }: HeldThread): Buffer {
  const status = Buffer.alloc(PRSTATUS_SIZE);
  status.writeInt32LE(signal, 0);
  status.writeInt16LE(signal, 12);
  status.writeInt32LE(tid, 32);
  regs.copy(status, PRSTATUS_REGS);
  return status;
}

/** struct elf_prpsinfo: eu-stack asks it for the process. */
function prpsinfo({ pid }: HeldThread): Buffer {
  const info = Buffer.alloc(PRPSINFO_SIZE);
  info.writeInt32LE(pid, 24);
  return info;
}

/** fill_files_note() of fs/binfmt_elf.c: what is mapped of which file. */
function files(mappings: readonly Mapping[]): Buffer {
  const mapped = mappings.filter(({ path }) => path.startsWith('/'));
  const words = [BigInt(mapped.length), PAGE];
  for (const { start, end, offset } of mapped) words.push(start, end, offset / PAGE);
  const numbers = Buffer.alloc(words.length * 8);
  words.forEach((word, i) => void numbers.writeBigUInt64LE(word, i * 8));
  return Buffer.concat([
    numbers,
    ...mapped.map(({ path }) => Buffer.from(`${path.replace(/ \(deleted\)$/, '')}\0`, 'latin1')),
  ]);
}

function header(segments: number): Buffer {
  const head = Buffer.alloc(HEADER_SIZE);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(head);
  // ET_CORE of EM_X86_64, version 1
  head.writeUInt16LE(4, 16);
  head.writeUInt16LE(62, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(BigInt(HEADER_SIZE), 32);
  head.writeUInt16LE(HEADER_SIZE, 52);
  head.writeUInt16LE(SEGMENT_SIZE, 54);
  head.writeUInt16LE(segments, 56);
  return head;
}

/** One Elf64_Phdr. */
function segmentHeader(
  type: number,
  flags: number,
  [at, address, size, memory]: [bigint, bigint, bigint, bigint],
): Buffer {
  const head = Buffer.alloc(SEGMENT_SIZE);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(flags, 4);
  head.writeBigUInt64LE(at, 8);
  head.writeBigUInt64LE(address, 16);
  head.writeBigUInt64LE(size, 32);
  head.writeBigUInt64LE(memory, 40);
  head.writeBigUInt64LE(type === PT.load ? PAGE : 1n, 48);
  return head;
}

const flagsOf = ({ perms }: Mapping): number =>
  (perms[0] === 'r' ? 4 : 0) | (perms[1] === 'w' ? 2 : 0) | (perms[2] === 'x' ? 1 : 0);

/** Copies memory of the process into the file; what cannot be read is a hole. */
function copy(memory: number, file: number, segment: Segment, at: bigint): void {
  const chunk = Buffer.alloc(Number(least(segment.size, 1n << 20n)));
  for (let done = 0n; done < segment.size; done += BigInt(chunk.length)) {
    const length = Number(least(BigInt(chunk.length), segment.size - done));
    let n = 0;
    try {
      n = readSync(memory, chunk, 0, length, segment.start + done);
    } catch {
      // Not mapped any more, or beyond the end of its file.
    }
    if (n > 0) writeSync(file, chunk, 0, n, Number(at + done));
  }
}

/** Writes `path`. Throws where the process may not be read, or the file not written. */
export function writeCore(path: string, held: HeldThread): void {
  const segments = segmentsOf(held);
  const notes = Buffer.concat([
    note(NOTE.prstatus, prstatus(held)),
    note(NOTE.prpsinfo, prpsinfo(held)),
    note(NOTE.siginfo, held.siginfo),
    note(NOTE.auxv, readFileSync(`/proc/${held.pid}/auxv`)),
    note(NOTE.file, files(held.mappings)),
  ]);
  const notesAt = BigInt(HEADER_SIZE + SEGMENT_SIZE * (segments.length + 1));
  const size = BigInt(notes.length);
  let at = notesAt + size;
  at += -at & (PAGE - 1n);
  const heads = [header(segments.length + 1), segmentHeader(PT.note, 0, [notesAt, 0n, size, 0n])];
  const memory = openSync(`/proc/${held.pid}/mem`, 'r');
  const file = openSync(path, 'w', 0o600);
  try {
    for (const segment of segments) {
      const { start, end, mapping } = segment;
      heads.push(segmentHeader(PT.load, flagsOf(mapping), [at, start, segment.size, end - start]));
      copy(memory, file, segment, at);
      at += segment.size;
    }
    const head = Buffer.concat([...heads, notes]);
    writeSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
    closeSync(memory);
  }
}
