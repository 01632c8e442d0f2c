/** What a commit says, and what the client gets: no CQE tells it (KERNEL 4.5). */
import { carried, commit, enter, protect, taken } from '../ring_words.ts';
import { call, client, read, type Step, section } from '../step.ts';

/** A client's LOOKUP in the server's hands, answered so; the next request shows that the entry lives. */
const answered = (step: Step): Step[] => [
  ...carried(),
  client('c', 'stat m/f'),
  ...taken('e0'),
  step,
  client('c', 'statfs m'),
  ...taken('e0'),
];
/** The same with a READ of 512 bytes. */
const readAnswered = (step: Step): Step[] => [
  ...carried(),
  client('c', 'open x m/f RDONLY'),
  ...taken('e0'),
  commit('e0'),
  ...taken('e0'),
  commit('e0'),
  client('c', 'read x 512 0'),
  ...taken('e0'),
  step,
  client('c', 'statfs m'),
  ...taken('e0'),
];
const LIVES = ['-', 'asleep', 'e0 0', 0] as const;
const bytes = (n: number): Uint8Array => new Uint8Array(n).fill(0x61);
/** A part of the buffers is not there when the reply is committed, and is there again. */
const without = (part: 'in_out' | 'ent' | 'payload', words: Parameters<typeof commit>[1] = {}) => [
  ...carried(),
  client('c', 'stat m/f'),
  ...taken('e0'),
  commit('e0', { ...words, later: true }),
  protect('e0', part),
  enter(),
  protect('e0', part, 'RW'),
  client('c', 'statfs m'),
  ...taken('e0'),
];

// biome-ignore format: one row a probe
export const RING_REPLIES = section('4.5', [
  ['a good reply', answered(commit('e0')), LIVES],
  ['unique 0', answered(commit('e0', { unique: 0n })), LIVES],
  ['unique 0 with an error', answered(commit('e0', { unique: 0n, error: -5 })), LIVES],
  ['error 1', answered(commit('e0', { error: 1 })), LIVES],
  ['error 2147483647', answered(commit('e0', { error: 2147483647 })), LIVES],
  ['error -512', answered(commit('e0', { error: -512 })), LIVES],
  ['error -2147483648', answered(commit('e0', { error: -2147483648 })), LIVES],
  ['error -511', answered(commit('e0', { error: -511 })), LIVES],
  ['error -2', answered(commit('e0', { error: -2 })), LIVES],
  ['an error with a payload', answered(commit('e0', { error: -2, body: bytes(128) })), LIVES],
  ['an error with a payload_sz that is larger than the payload', answered(commit('e0', { error: -2, size: 99999 })), LIVES],
  ['an error with another unique', answered(commit('e0', { error: -2, unique: 98n })), LIVES],
  ['another unique', answered(commit('e0', { unique: 98n })), LIVES],
  ['its unique with bit 63', answered(commit('e0', { unique: 2n ** 63n + 4n })), LIVES],
  ['len 0', answered(commit('e0', { len: 0 })), LIVES],
  ['len 4294967295', answered(commit('e0', { len: 4294967295 })), LIVES],
  ['fixed: one byte short', answered(commit('e0', { cut: 1 })), LIVES],
  ['fixed: one byte long', answered(commit('e0', { cut: -1 })), LIVES],
  ['fixed: empty', answered(commit('e0', { size: 0 })), LIVES],
  ['fixed: larger than the payload', answered(commit('e0', { size: 8193 })), LIVES],
  ['fixed: 4294967295 bytes', answered(commit('e0', { size: 4294967295 })), LIVES],
  ['READ: all of it', readAnswered(commit('e0')), LIVES],
  ['READ: shorter', readAnswered(commit('e0', { cut: 500 })), LIVES],
  ['READ: nothing', readAnswered(commit('e0', { body: bytes(0) })), LIVES],
  ['READ: one byte more than asked', readAnswered(commit('e0', { cut: -1 })), LIVES],
  ['READ: as large as the payload', readAnswered(commit('e0', { body: bytes(8192) })), LIVES],
  ['READ: an error', readAnswered(commit('e0', { error: -5 })), LIVES],
  ['in_out is not there', without('in_out'), [0, 'asleep', 'e0 0', 0]],
  ['ring_ent_in_out is not there', without('ent'), [0, 'asleep', 'e0 0', 0]],
  ['ring_ent_in_out is not there, an error', without('ent', { error: -2 }), [0, 'asleep', 'e0 0', 0]],
  ['the payload is not there', without('payload'), [0, 'asleep', 'e0 0', 0]],
  ['the payload is not there, an error', without('payload', { error: -2 }), [0, 'asleep', 'e0 0', 0]],
  ['the payload is not there and its size is wrong', without('payload', { size: 9 }), [0, 'asleep', 'e0 0', 0]],
  ['ENOSYS is remembered as on the device', [...carried(), client('c', 'open x m/f RDONLY'), ...taken('e0'), commit('e0'), ...taken('e0'), commit('e0', { error: -38 }), enter(), read()], ['-', '-', 'EAGAIN']],
  ['two in hand, answered in the other order', [...carried({ depth: 2, flags: ['PARALLEL_DIROPS'] }), client('c', 'stat m/f'), client('c2', 'stat m/g'), enter(), call('dump', 'e1'), call('dump', 'e0'), commit('e0'), commit('e1')], ['e1 0, e0 0', 2, 2, '-', '-']],
  ['the reply in another entry: whose commit_id it is counts', [...carried({ depth: 2, flags: ['PARALLEL_DIROPS'] }), client('c', 'stat m/f'), client('c2', 'stat m/g'), enter(), call('dump', 'e1'), call('dump', 'e0'), commit('e0', { commit: 4n }), commit('e1', { commit: 6n })], ['-', '-']],
]);
