/**
 * Requests that are not answered in time (KERNEL 1.16). Time passes in these, some 50 s a probe: they
 * are asked all at once, by `npm run fidelity -- --timeouts`. Seconds are counted from INIT's reply; the
 * kernel looks every 15 of them.
 */
import type { InitFlag } from '../../../rig/protocol/init-flags.ts';
import { carried, commit, dump, enter, registered, ring, SMALL, taken } from '../ring_words.ts';
import {
  call,
  client,
  clone,
  lapse,
  mounted,
  notify,
  open,
  type Probe,
  poll,
  read,
  ready,
  reply,
  type Step,
  section,
  serve,
  signal,
  sysctl,
} from '../step.ts';
import { body } from './words.ts';

/** Past what the kernel's timers may be late: a request made at once may be 15 s old at the first look. */
const later = lapse(2);
const limited = (request_timeout = 1, flags: readonly InitFlag[] = []): Step[] => [
  ...ready({ init: { request_timeout }, flags: ['REQUEST_TIMEOUT', ...flags] }),
  later,
];
const ask = client('c', 'stat m/f');
const waiting = call('fusectl', 'a', 'waiting');
const overRing = (depth = 1, setup = 'SQE128'): Step[] => [
  ...carried({ depth, setup, init: { request_timeout: 1 }, flags: ['REQUEST_TIMEOUT'] }),
  later,
];
const STATFS = client('c', 'statfs m');
/** INIT answered while the machine's limits are these; they are 0 again then. */
const ruled = (limits: Parameters<typeof sysctl>[0], request_timeout?: number): Step[] => [
  sysctl(limits),
  ...(request_timeout === undefined
    ? ready()
    : ready({ init: { request_timeout }, flags: ['REQUEST_TIMEOUT'] })),
  sysctl({}),
  later,
];

// biome-ignore format: one row a probe
export const TIMEOUTS = section('1.16', [
  ['a second is fifteen; nobody has read it', [...limited(), ask, lapse(20), waiting, lapse(15), waiting, read(), poll(), client('d', 'statfs m')], ['1\n', 0, '0\n', 'ENODEV', 'ERR', 'ENOTCONN']],
  ['read, not answered', [...limited(), ask, read(), lapse(20), waiting, lapse(15), waiting, reply(), read()], ['1\n', 0, '0\n', 'ENOENT', 'ENODEV']],
  ['ABORT_ERROR: a reader gets ENODEV all the same', [...limited(15, ['ABORT_ERROR']), ask, lapse(35), waiting, read()], ['0\n', 'ENODEV']],
  ['read by a clone', [...limited(), open('b'), clone('b'), ask, read('b'), lapse(35), waiting, reply({ to: 'b' }), read('b')], ['0\n', 'ENOENT', 'ENODEV']],
  ['the flag is not set: the field says nothing', [...ready({ init: { request_timeout: 15 } }), ask, lapse(35), waiting, read(), reply()], ['1\n', 42, 144]],
  ['the flag is set, the field is 0', [...limited(0), ask, lapse(35), waiting, read(), reply()], ['1\n', 42, 144]],
  ['31 seconds: the look at 45', [...limited(31), ask, lapse(35), waiting, lapse(15), waiting], ['1\n', 0, '0\n']],
  ['answered in time: the connection lives', [...limited(), ask, lapse(10), read(), reply(), lapse(25), client('d', 'statfs m'), read()], [0, 'asleep', 40]],
  ['the age of each counts', [...limited(15, ['PARALLEL_DIROPS']), ask, read(), lapse(20), client('d', 'statfs m'), reply(), lapse(15), waiting, lapse(15), waiting], [144, 0, '1\n', 0, '0\n']],
  ['RESEND makes nothing younger', [...limited(), ask, read(), lapse(20), notify(7), lapse(15), waiting, read()], [16, 0, '0\n', 'ENODEV']],
  ['killed, while the server has it', [...limited(), ask, read(), signal('c', 'KILL'), lapse(35), waiting, reply()], ['asleep', 0, '0\n', 'ENOENT']],
  ['a forget is no request', [...limited(), client('c', 'unlink m/f'), ...serve(2), lapse(35), read()], [0, 48]],
  ['a RELEASE that nobody reads', [...limited(), client('c', 'open x m/f RDONLY'), ...serve(2), client('c', 'close x'), ...serve(1), lapse(35), waiting, read()], [0, '0\n', 'ENODEV']],
  ['a NOTIFY_REPLY that nobody reads', [...limited(), ask, ...serve(1), notify(5, body.retrieve(7n, 5)), lapse(35), poll()], [48, 0, 'ERR']],
  ['a NOTIFY_REPLY is at its end when it is read', [...limited(), ask, ...serve(1), notify(5, body.retrieve(7n, 5)), read(), lapse(35), poll()], [80, 0, 'OUT|WRNORM']],
  ['on the ring', [...overRing(), STATFS, ...taken('e0'), lapse(20), waiting, lapse(15), waiting, enter(), commit('e0')], ['1\n', 0, '0\n', '-', 'e0 ENOTCONN']],
  ['on the ring: the free entries', [...overRing(2), STATFS, ...taken('e1'), lapse(35), enter()], [0, 'e0 ENOTCONN']],
  ['on the ring: an old one behind a new one', [...overRing(2), STATFS, ...taken('e1'), lapse(20), client('d', 'statfs m'), ...taken('e0'), lapse(15), waiting], [0, '0\n']],
  ['on the ring: answered in time', [...overRing(), STATFS, ...taken('e0'), lapse(10), commit('e0'), lapse(25), client('d', 'statfs m'), ...taken('e0')], ['asleep', 'e0 0', 0]],
  ['on the ring: its thread never enters', [...overRing(1, 'SQE128|SINGLE_ISSUER|DEFER_TASKRUN'), STATFS, lapse(35), poll()], ['asleep', 0, 'ERR']],
  ['waits for the ring: not allocated, no age', [...ready({ init: { ...SMALL, request_timeout: 1 }, flags: ['REQUEST_TIMEOUT', 'OVER_IO_URING', 'MAX_PAGES'] }), later, STATFS, lapse(35), waiting, ring(), ...registered(), lapse(15), dump('e0'), waiting, lapse(15), waiting], [0, 0, '1\n', 0, '0\n']],
]);

/**
 * The same by sysctls, which are the machine's: each probe has them for a moment of its own, `place` of them
 * behind the first.
 */
const APART_S = 3;
const inTurn = (probes: Probe[]): Probe[] =>
  probes.map((probe, place) => ({ ...probe, steps: [lapse(1 + APART_S * place), ...probe.steps] }));

// biome-ignore format: one row a probe
export const TIMEOUT_SYSCTLS = inTurn(section('1.16s', [
  ['INIT has no limit', [sysctl({ default: 15 }), ...mounted(), sysctl({}), lapse(35), waiting, read(), reply()], [0, '1\n', 104, 80]],
  ['default_request_timeout', [...ruled({ default: 15 }), ask, lapse(20), waiting, lapse(15), waiting], ['1\n', 0, '0\n']],
  ['default_request_timeout, minor 5', [sysctl({ default: 15 }), ...ready({ init: { minor: 5 } }), sysctl({}), later, client('c', 'statfs m'), lapse(35), waiting], [0, '0\n']],
  ['default_request_timeout is not for who says otherwise', [...ruled({ default: 15 }, 60), ask, lapse(35), waiting], [0, '1\n']],
  ['max_request_timeout is for who says more', [...ruled({ max: 15 }, 60), ask, lapse(20), waiting, lapse(15), waiting], ['1\n', 0, '0\n']],
  ['max_request_timeout is for who says nothing', [...ruled({ max: 15 }), ask, lapse(35), waiting], [0, '0\n']],
  ['max_request_timeout below the default', [...ruled({ default: 60, max: 15 }), ask, lapse(35), waiting], [0, '0\n']],
  ['max_request_timeout of a second is fifteen', [...ruled({ max: 1 }, 60), ask, lapse(20), waiting, lapse(15), waiting], ['1\n', 0, '0\n']],
]));
