/** Random sequences on a ring: commits right and wrong, registers, enters, faults, signals, endings. */
import fc from 'fast-check';
import {
  agreed,
  type CommandWords,
  type CommitWords,
  CPUS,
  command,
  commit,
  dump,
  enter,
  others,
  PAYLOAD,
  protect,
  register,
  ring,
  slot,
  taken,
  waited,
} from '../ring_words.ts';
import { call, client, notify, poll, read, reply, type Step, signal, umount } from '../step.ts';
import { asking, type Move, without } from './moves.ts';

const ENTRIES = ['e0', 'e1', 'e2', 'f0'] as const;
const entry = fc.constantFrom(...ENTRIES);
const one = (step: Step): Move => ({ steps: [step] });

const commits: fc.Arbitrary<CommitWords> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.record({
      error: fc.constantFrom(-2, -5, -13, -39, -511, -512, 1, 2147483647, -2147483648),
    }),
  },
  { weight: 2, arbitrary: fc.record({ cut: fc.integer({ min: -3, max: 3 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      size: fc.constantFrom(0, 1, 80, 128, 512, PAYLOAD, PAYLOAD + 1, 4294967295),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ unique: fc.constantFrom(0n, 2n, 4n, 6n, 98n, 2n ** 63n + 4n) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ commit: fc.constantFrom(0n, 2n, 4n, 5n, 6n, 8n, 10n, 98n) }),
  },
  { weight: 1, arbitrary: fc.record({ qid: fc.constantFrom(0, CPUS, 65535) }) },
  { weight: 1, arbitrary: fc.record({ later: fc.constant(true as const) }) },
);

const commands: fc.Arbitrary<CommandWords> = fc.oneof(
  fc.record({ op: fc.constantFrom(0, 3, 77, 4294967295) }),
  fc.record({ qid: fc.constantFrom(CPUS, 65535) }),
  fc.record({ len: fc.constantFrom(0, 1, 3) }),
  fc.record({ addr: fc.constantFrom(0n, 16n, 0xffff888000000000n) }),
  fc.record({
    head: fc.constantFrom(0, 287, 288, 4096),
    pay: fc.constantFrom(0, PAYLOAD - 1, PAYLOAD),
  }),
  fc.record({ what: fc.constant('nop' as const) }),
);

/** A part of an entry is not there while this happens. */
const faulty: fc.Arbitrary<Move> = fc
  .tuple(entry, fc.constantFrom('in_out', 'ent', 'payload'), commits, fc.boolean())
  .map(
    ([name, part, words, commits]): Move => ({
      steps: commits
        ? [
            commit(name, { ...words, later: true }),
            protect(name, part),
            enter(),
            protect(name, part, 'RW'),
          ]
        : [protect(name, part), enter(), protect(name, part, 'RW')],
    }),
  );

const client01 = fc.constantFrom('c0', 'c1', 'c2');
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 12, arbitrary: asking },
  { weight: 4, arbitrary: client01.map((c): Move => ({ steps: [client(c, 'statfs m')], of: c })) },
  { weight: 8, arbitrary: entry.map((name): Move => ({ steps: taken(name) })) },
  { weight: 3, arbitrary: entry.map((name) => one(dump(name))) },
  {
    weight: 14,
    arbitrary: fc.tuple(entry, commits).map(([name, words]) => one(commit(name, words))),
  },
  {
    weight: 5,
    arbitrary: entry.map((name): Move => ({ steps: [enter(), dump(name), commit(name)] })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(entry, commands)
      .map(([name, words]) => one(command({ slot: name, ...words }))),
  },
  { weight: 1, arbitrary: fc.constant(one(register('f0'))) },
  { weight: 2, arbitrary: faulty },
  { weight: 2, arbitrary: fc.constant(one(read())) },
  { weight: 1, arbitrary: fc.constant(one(reply())) },
  { weight: 1, arbitrary: fc.constant(one(poll())) },
  { weight: 1, arbitrary: fc.constantFrom(7, 8).map((code) => one(notify(code))) },
  { weight: 2, arbitrary: client01.map((c): Move => ({ steps: [signal(c, 'USR1')], of: c })) },
  {
    weight: 1,
    // c0 may have a file open, which would be closed.
    arbitrary: fc
      .constantFrom('c1', 'c2')
      .map((c): Move => ({ steps: [signal(c, 'KILL')], of: c, kills: c })),
  },
  { weight: 1, arbitrary: fc.constant(one(call('fusectl', 'a', 'waiting'))) },
  {
    weight: 1,
    arbitrary: fc.constant({ steps: [call('fusectl', 'a', 'abort', '1')], ends: true }),
  },
  { weight: 1, arbitrary: fc.constant({ steps: [waited(umount('m', 'FORCE'))], ends: true }) },
);

const begun: Step[] = [
  client('c0', 'open x m/f RDONLY'),
  ...taken('e0'),
  commit('e0'),
  dump('e0'),
  commit('e0'),
];

export const RING: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.subarray(['ABORT_ERROR', 'ASYNC_READ'] as const),
    fc.integer({ min: 1, max: 3 }),
    fc.boolean(),
    fc.constantFrom('SQE128', 'SQE128', 'SQE128|COOP_TASKRUN', 'SQE128|SINGLE_ISSUER'),
    fc.array(move, { minLength: 3, maxLength: 14, size: 'max' }),
  )
  .map(([flags, depth, opened, setup, moves]) => [
    ...agreed(['PARALLEL_DIROPS', ...flags]),
    ring('r', setup),
    ...others(setup),
    ...ENTRIES.map((name) => slot(name)),
    // While a client may ask twice in a row there is one entry: its second request comes before or
    // after the entry of the first is free again.
    register('e0'),
    ...(opened ? begun : []),
    ...ENTRIES.slice(1, depth).map((name) => register(name)),
    ...without(moves, opened),
  ]);
