/** The words probes of rings are written in (native/prober/ring_steps.cc). */
import type { InitFlag } from '../../rig/protocol/init-flags.ts';
import { URING_CMD } from '../../rig/protocol/ring.ts';
import { possibleCpus } from '../../rig/seam/cpus.ts';
import type { Seen } from './seen.ts';
import {
  call,
  hex,
  MAIN,
  type MountWords,
  on,
  type ReplyWords,
  ready,
  replyBytes,
  type Step,
} from './step.ts';

/** The least payload of `SMALL`. */
export const PAYLOAD = 8192;
/** What the probes negotiate unless they say otherwise: the smallest buffers there are. */
export const SMALL = { max_write: 4096, max_pages: 1 } as const;
export const CPUS = possibleCpus();

/** A FUSE command; fields that are not named are those of a proper REGISTER. */
export interface CommandWords {
  ring?: string;
  /** 1 REGISTER, 2 COMMIT_AND_FETCH. */
  op?: number;
  /** The device, or the index of a fixed file. */
  dev?: string;
  fixed?: number;
  qid?: number;
  commit?: bigint;
  flags?: bigint;
  /** The entry's buffers. */
  slot?: string;
  /** What the iovecs say: sizes and bases. */
  head?: number;
  pay?: number;
  headat?: bigint;
  payat?: bigint;
  /** The address of the iovecs, and how many. */
  addr?: bigint;
  len?: number;
  link?: 1;
  async?: 1;
  /** Completions to wait for. */
  wait?: number;
  /** What its completion is called; the slot's name otherwise. */
  user?: string;
  /** Another SQE than a FUSE command. */
  what?: 'nop' | 'cancel';
}

const fields = ({ ring: _, ...words }: CommandWords): string =>
  Object.entries(words)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');

/** A step whose completions the kernel may bring from a worker of its own. */
export const waited = (step: Step): Step => ({
  ...step,
  line: (seen) => step.line(seen).replace(/^do /, 'must '),
});

const step = (verb: string, words: CommandWords): Step => {
  const made = call(verb, words.ring ?? 'r', ...fields(words).split(' ').filter(Boolean));
  return words.wait === undefined ? made : waited(made);
};

export const ring = (name = 'r', flags = 'SQE128', entries = 16, completions?: number): Step =>
  call('ring', name, entries, flags, ...(completions === undefined ? [] : [completions]));
export const slot = (name: string, payload = PAYLOAD): Step => call('slot', name, payload);
/** A command that is submitted at once; what has completed then. */
export const command = (words: CommandWords): Step => step('cmd', words);
/** A command that the next enter of the ring submits. */
export const sqe = (words: CommandWords): Step => step('sqe', words);
/** Submits, waits for completions, and takes those that are there. */
export const enter = (name = 'r', wait = 0): Step =>
  wait === 0 ? call('enter', name) : waited(call('enter', name, wait));
export const dump = (name: string): Step => call('dump', name);
export const protect = (name: string, part: 'in_out' | 'ent' | 'payload', as = 'NONE'): Step =>
  call('protect', name, part, as);
export const register = (name: string, words: CommandWords = {}): Step =>
  command({ slot: name, ...words });

/** The step, and waiting until somebody has ended: the kernel ends it from a worker of its own. */
export const until = (name: string, step: Step): Step => ({
  ...step,
  says: `${step.says}, until ${name} has ended`,
  line: (seen) => `until ${name} ${step.line(seen)}`,
});
/** A thread of the server ends. */
export const exit = (by: string): Step => until(by, on(by, call('exit')));

export interface CommitWords extends Omit<ReplyWords, 'to' | 'of' | 'flags'>, CommandWords {
  /** payload_sz if it is not the body's length. */
  size?: number;
  /** The COMMIT is only queued. */
  later?: true;
}

/** A good reply to what lies in the slot, committed; whatever is named is otherwise. */
export function commit(name: string, words: CommitWords = {}): Step {
  const { init, unique, error, body, cut, len, size, later, ...rest } = words;
  const reply: ReplyWords = Object.fromEntries(
    Object.entries({ init, unique, error, body, cut, len }).filter(([, v]) => v !== undefined),
  );
  const said = Object.entries({ ...reply, ...rest, ...(size === undefined ? {} : { size }) });
  const line = (seen: Seen): string => {
    const request = seen.entry(name);
    const bytes = replyBytes(reply, seen, request);
    const command = { op: URING_CMD.COMMIT_AND_FETCH, slot: name, commit: request?.unique ?? 0n };
    const all = `${fields({ ...command, ...rest })} reply=${hex(bytes)}`;
    const sized = size === undefined ? '' : ` size=${size}`;
    return `do ${MAIN} ${later ? 'sqe' : 'cmd'} ${rest.ring ?? 'r'} ${all}${sized}`;
  };
  const shown = said.map(([k, v]) => ` ${k}=${v instanceof Uint8Array ? `[${v.length}]` : v}`);
  return { says: `commit ${name}${shown.join('')}`, by: MAIN, line };
}

/** What lies in the slot after the ring was entered. */
export const taken = (name: string, of = 'r'): Step[] => [enter(of), dump(name)];

/** INIT answered with the ring; the smallest buffers. */
export const agreed = (
  more: readonly InitFlag[] = [],
  init: object = {},
  words: MountWords = {},
): Step[] =>
  ready({ init: { ...SMALL, ...init }, flags: ['OVER_IO_URING', 'MAX_PAGES', ...more] }, words);

/** Names of the slots of a queue. */
export const slotOf = (qid: number, n: number): string => (qid === 0 ? `e${n}` : `q${qid}e${n}`);

const registeredIn = (qid: number, depth: number, name: string): Step[] =>
  Array.from({ length: depth }, (_, n) => slotOf(qid, n)).flatMap((entry) => [
    slot(entry),
    register(entry, { qid, ring: name }),
  ]);

/**
 * `depth` entries in each queue, those of queue 0 in the ring `r`. The others are in a ring of their
 * own: how many there are depends on the machine.
 */
export const others = (setup?: string): Step[] => [
  ring('o', setup),
  ...Array.from({ length: CPUS - 1 }, (_, i) => registeredIn(i + 1, 1, 'o')).flat(),
];
export const registered = (depth = 1): Step[] => [...others(), ...registeredIn(0, depth, 'r')];

export interface RingWords {
  depth?: number;
  flags?: readonly InitFlag[];
  init?: object;
  setup?: string;
  mount?: MountWords;
}

/** The ring carries everything: `depth` entries in each queue, called e0, e1 ... in queue 0. */
export const carried = (words: RingWords = {}): Step[] => [
  ...agreed(words.flags, words.init, words.mount),
  ring('r', words.setup),
  ...others(words.setup),
  ...registeredIn(0, words.depth ?? 1, 'r'),
];
