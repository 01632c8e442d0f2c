/**
 * The words probes are written in: each makes one step, which is the same system call in front of the
 * real kernel and in front of the model. A step's line is what native/prober reads.
 */
import { concat, writeU32 } from '../../rig/protocol/cursor.ts';
import { bareReply } from '../../rig/protocol/header.ts';
import { goodReply, type Negotiation } from './good_reply.ts';
import type { Seen } from './seen.ts';

export interface Step {
  /** What a person reads. */
  readonly says: string;
  /** Who does it: a thread of the server, or a client. */
  readonly by: string;
  /** The client that does it. */
  readonly client?: string;
  /** The command line for the prober; what was read before may be needed for it. */
  line(seen: Seen): string;
}

/** The thread that does a step if none is named. */
export const MAIN = 't';
export const DIRECTORY = 'rootmode=40000,user_id=0,group_id=0';

const word = (text: string): string =>
  text === ''
    ? '-'
    : text.replace(/[%\s]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** Bytes as the prober takes them: hexadecimal, long runs of one byte as `XX*N`, joined by `+`. */
export function hex(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    let end = at + 1;
    while (end < bytes.length && bytes[end] === bytes[at]) end++;
    const run = end - at;
    if (run >= 64) parts.push(`${Buffer.from(bytes.subarray(at, at + 1)).toString('hex')}*${run}`);
    else {
      const last = parts.at(-1);
      const text = Buffer.from(bytes.subarray(at, end)).toString('hex');
      if (last === undefined || last.includes('*')) parts.push(text);
      else parts[parts.length - 1] = last + text;
    }
    at = end;
  }
  return parts.length === 0 ? '-' : parts.join('+');
}

/** A step of the server's: the words of native/prober. */
export function call(...words: readonly (string | number)[]): Step {
  const said = words.map((one) => word(String(one))).join(' ');
  return { says: words.join(' '), by: MAIN, line: () => `do ${MAIN} ${said}` };
}

/** The same by another thread. */
export function on(by: string, step: Step): Step {
  return {
    says: `${by}: ${step.says}`,
    by,
    line: (seen) => step.line(seen).replace(/^do \S+/, `do ${by}`),
  };
}

export const open = (name = 'a', flags = 'RDWR|NONBLOCK'): Step => call('open', name, flags);
export const close = (name = 'a'): Step => call('close', name);
export const read = (name = 'a', size: number | string = 1 << 17): Step => call('read', name, size);
export const poll = (name = 'a'): Step => call('poll', name);

export interface MountWords {
  source?: string;
  target?: string;
  fstype?: string;
  flags?: string;
  /** `@NAME` stands for a descriptor's number. */
  options?: string;
}

export const mount = (words: MountWords = {}): Step =>
  call(
    'mount',
    words.source ?? 'probe',
    words.target ?? 'm',
    words.fstype ?? 'fuse',
    words.flags ?? '0',
    words.options ?? `fd=@a,${DIRECTORY}`,
  );

export const umount = (target = 'm', flags = '0'): Step => call('umount', target, flags);

/** FUSE_DEV_IOC_* as x86-64 numbers. */
export const IOC = {
  clone: '0x8004e500',
  backingOpen: '0x4010e501',
  backingClose: '0x4004e502',
  syncInit: '0xe503',
} as const;

export const clone = (name: string, source = 'a'): Step =>
  call('ioctl', name, IOC.clone, `@${source}`);

/** What a reply is made of; all of it follows from the last request unless it is named. */
export interface ReplyWords extends Negotiation {
  /** Replied through this device. */
  to?: string;
  /** An opcode's name: to the last request of it instead of the last one. */
  of?: string;
  /** So many requests before the last. */
  back?: number;
  unique?: bigint;
  error?: number;
  body?: Uint8Array;
  /** Bytes of the good body cut off at its end, or added when negative. */
  cut?: number;
  /** What the header says instead of the true length. */
  len?: number;
}

/** The message of a reply. */
export function replyBytes(
  words: ReplyWords,
  seen: Seen,
  request = seen.last(words.of, words.back),
): Uint8Array {
  const unique = words.unique ?? request?.unique ?? 0n;
  const error = words.error ?? 0;
  const good = (): Uint8Array =>
    request === undefined ? new Uint8Array(0) : goodReply(request, words);
  let body = words.body ?? (error === 0 ? good() : new Uint8Array(0));
  const { cut = 0 } = words;
  if (cut > 0) body = body.subarray(0, body.length - cut);
  if (cut < 0) body = concat([body, new Uint8Array(-cut)]);
  const message = concat([bareReply(unique, error), body]);
  writeU32(message, 0, words.len ?? message.length);
  return message;
}

const shown = (words: object): string =>
  Object.entries(words)
    .map(([key, value]) => `${key}=${value instanceof Uint8Array ? `[${value.length}]` : value}`)
    .join(' ');

/** Writes a reply; by default a good one to the last request. */
export function reply(words: ReplyWords = {}): Step {
  const to = words.to ?? 'a';
  return {
    says: `reply ${shown(words)}`,
    by: MAIN,
    line: (seen) => `do ${MAIN} write ${to} ${hex(replyBytes(words, seen))}`,
  };
}

/** The same by another call: `writev a HEX SIZES`, `writehole a HEX LENGTH`, `splicein a HEX ...`. */
export function replyBy(name: string, rest: string, words: ReplyWords = {}, keep?: number): Step {
  const to = words.to ?? 'a';
  return {
    says: `${name} ${rest} reply ${shown(words)}`,
    by: MAIN,
    line: (seen) => {
      const message = replyBytes(words, seen);
      return `do ${MAIN} ${name} ${to} ${hex(message.subarray(0, keep ?? message.length))} ${rest}`;
    },
  };
}

/** Writes these bytes. */
export const write = (bytes: Uint8Array, to = 'a'): Step => ({
  says: `write ${to} [${bytes.length}]`,
  by: MAIN,
  line: () => `do ${MAIN} write ${to} ${hex(bytes)}`,
});

/** Writes a notification: `unique` 0, the code, and this after the header. */
export function notify(code: number, body: Uint8Array = new Uint8Array(0), to = 'a'): Step {
  const message = concat([bareReply(0n, code), body]);
  writeU32(message, 0, message.length);
  return {
    says: `notify ${code} [${body.length}]`,
    by: MAIN,
    line: () => `do ${MAIN} write ${to} ${hex(message)}`,
  };
}

/** Reads and answers, so many times. */
export const serve = (times: number, words: ReplyWords = {}): Step[] =>
  Array.from({ length: times }, () => [read(words.to ?? 'a'), reply(words)]).flat();

/** An operation of native/clients by a client of its own. */
export const client = (name: string, operation: string): Step => ({
  says: `${name}: ${operation}`,
  by: name,
  client: name,
  line: () => `client ${name} ${operation}`,
});

export const signal = (name: string, number: 'USR1' | 'KILL'): Step => ({
  says: `signal ${name} ${number}`,
  by: name,
  line: () => `signal ${name} ${number}`,
});

/** So many seconds pass: in front of the kernel truly, in front of the model at once. */
export const lapse = (seconds: number): Step => ({
  says: `lapse ${seconds}`,
  by: MAIN,
  line: () => `lapse ${MAIN} ${seconds}`,
});

/** The machine's limits of request timeouts, in seconds. */
export const sysctl = (limits: { default?: number; max?: number }): Step =>
  call('sysctl', limits.default ?? 0, limits.max ?? 0);

/** A device that is mounted, INIT not read. */
export const mounted = (words: MountWords = {}): Step[] => [open(), mount(words)];

/** A device that is mounted, INIT answered with these fields. */
export const ready = (init: Negotiation = {}, words: MountWords = {}): Step[] => [
  ...mounted(words),
  read(),
  reply(init),
];

export interface Probe {
  /** Section of the kernel's specification (a letter behind it: a part of it). */
  readonly section: string;
  readonly name: string;
  readonly steps: readonly Step[];
  /** What the last steps come to, so that no probe can be empty on both sides. */
  readonly ends: readonly (string | number)[];
  /** Clients that the probe needs. */
  readonly clients: readonly string[];
}

/** Probes of one section: [name, steps, what the last of them come to]. */
export function section(
  id: string,
  rows: readonly (readonly [string, readonly Step[], readonly (string | number)[]])[],
): Probe[] {
  return rows.map(([name, steps, ends]) => {
    const clients = steps.flatMap((step) => step.client ?? []);
    return { section: id, name, steps, ends, clients: [...new Set(clients)] };
  });
}
