/** Random sequences on the device: reads of any size, replies right and wrong, clones, closes, notifications, signals. */
import fc from 'fast-check';
import { waited } from '../ring_words.ts';
import {
  call,
  client,
  clone,
  close,
  notify,
  open,
  poll,
  type ReplyWords,
  read,
  ready,
  reply,
  type Step,
  serve,
  signal,
  umount,
  write,
} from '../step.ts';
import { asking, INIT_FIELDS, type Move, without } from './moves.ts';

const device = fc.constantFrom('a', 'a', 'a', 'b');
const sizes = fc.constantFrom(131072, 131072, 131072, 65616, 65615, 8192, 8191, 4176, 100, 1, 0);
/** Errors that no system call takes for a sign to try again. */
const errors = fc.constantFrom(0, 0, 0, -2, -5, -13, -39, -511, -512, 1, 2147483647, -2147483648);

const replies: fc.Arbitrary<ReplyWords> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: fc.record({ back: fc.nat(2), error: errors }) },
  { weight: 2, arbitrary: fc.record({ cut: fc.integer({ min: -3, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ cut: fc.constantFrom(128, 104, 80, 16, -70000) }) },
  { weight: 1, arbitrary: fc.record({ len: fc.constantFrom(0, 15, 16, 17, 96, 4294967295) }) },
  {
    weight: 1,
    arbitrary: fc.record({ unique: fc.constantFrom(2n, 3n, 4n, 5n, 6n, 98n, 2n ** 63n) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ error: errors, body: fc.nat(20).map((n) => new Uint8Array(n)) }),
  },
);

const notifications = fc.tuple(
  fc.constantFrom(1, 2, 3, 6, 7, 7, 8, 9, 0, 10, -1),
  fc.constantFrom(0, 8, 16, 24, 18, 26, 7).map((n) => new Uint8Array(n)),
);

/** One step, or a few that belong together. */
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 8, arbitrary: asking },
  {
    weight: 10,
    arbitrary: fc.tuple(device, sizes).map(([d, n]): Move => ({ steps: [read(d, n)] })),
  },
  {
    weight: 10,
    arbitrary: fc
      .tuple(device, replies)
      .map(([to, words]): Move => ({ steps: [reply({ to, ...words })] })),
  },
  { weight: 2, arbitrary: device.map((d): Move => ({ steps: [poll(d)] })) },
  { weight: 1, arbitrary: fc.constant({ steps: [open('b'), clone('b')], opens: 'b' }) },
  { weight: 1, arbitrary: fc.constant({ steps: [close('b')], closes: 'b' }) },
  {
    weight: 2,
    arbitrary: notifications.map(([code, body]): Move => ({ steps: [notify(code, body)] })),
  },
  {
    weight: 1,
    arbitrary: fc.nat(40).map((n): Move => ({ steps: [write(new Uint8Array(n).fill(1))] })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('c0', 'c1')
      .map((c): Move => ({ steps: [signal(c, 'USR1')], of: c })),
  },
  {
    weight: 1,
    // c0 may have a file open, which would be closed.
    arbitrary: fc.constant({ steps: [signal('c1', 'KILL')], of: 'c1', kills: 'c1' }),
  },
  { weight: 1, arbitrary: fc.constant({ steps: [call('fusectl', 'a', 'waiting')] }) },
  {
    weight: 1,
    arbitrary: fc.constant({ steps: [call('fusectl', 'a', 'abort', '1')], ends: true }),
  },
  { weight: 1, arbitrary: fc.constant({ steps: [waited(umount('m', 'FORCE'))], ends: true }) },
);

/** The reader of c0's file has it open. */
const begun: Step[] = [client('c0', 'open x m/f RDONLY'), ...serve(2)];

export const DEVICE: fc.Arbitrary<Step[]> = fc
  .tuple(INIT_FIELDS, fc.boolean(), fc.array(move, { minLength: 3, maxLength: 14, size: 'max' }))
  .map(([words, opened, moves]) => [
    ...ready(words),
    ...(opened ? begun : []),
    ...without(moves, opened),
  ]);
