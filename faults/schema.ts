/**
 * The JSON schema of plan files, derived from the lists: faults/plan.schema.json is this. It refuses what
 * plan.ts refuses, but for what no schema can say: a range whose end comes before its beginning, and
 * what is wrong within a rule that is written as text.
 */
import { OP_NAMES } from '../rig/protocol/opcodes.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './list.ts';
import { MATCHERS, meansHere } from './matchers.ts';
import { POINTS, type Point } from './points.ts';
import { PHASES, TRANSPORTS, TWICE, transportsOf } from './rule.ts';

/** Keys of a rule that is written as a map. */
export const RULE_KEYS: readonly string[] = [
  'messages',
  'fault',
  'value',
  'at',
  'until',
  ...MATCHERS.map(({ name }) => name),
];

/** Rules of a plan, and characters of a rule. */
export const RULES_MAX = 1000;
export const TEXT_MAX = 4096;

const MOST = Number.MAX_SAFE_INTEGER;
const NUMBER = '\\d{1,16}';
const FROM_ONE = '0*[1-9]\\d{0,15}';

const integer = (minimum: number, maximum = MOST) => ({ type: 'integer', minimum, maximum });
/** A number in quotes is one, too. */
const count = (minimum: number) => ({
  anyOf: [integer(minimum), { type: 'string', pattern: `^${minimum === 0 ? NUMBER : FROM_ONE}$` }],
});

const range = (name: string) => ({
  description: MATCHERS.find((one) => one.name === name)?.chooses,
  anyOf: [
    integer(name === 'when' ? 1 : 0),
    {
      type: 'string',
      pattern:
        name === 'when'
          ? `^${FROM_ONE}(\\.\\.(${NUMBER})?)?(\\+${FROM_ONE})?$`
          : `^${NUMBER}(\\.\\.(${NUMBER})?)?$`,
    },
  ],
});

const described = (list: readonly { name: string; says: string }[]) =>
  list.map(({ name, says }) => ({ const: name, description: says }));

const messages = () => {
  const name = `(${OP_NAMES.join('|')})`;
  return {
    description: 'opcodes; without them every request a client waits for; * is all messages',
    anyOf: [
      { enum: ['*', ...OP_NAMES] },
      { type: 'string', pattern: `^${name}(,${name})+$` },
      { type: 'array', minItems: 1, uniqueItems: true, items: { enum: OP_NAMES } },
      { type: 'array', minItems: 1, maxItems: 1, items: { const: '*' } },
    ],
  };
};

const ruleProperties = () => ({
  messages: messages(),
  fault: {
    oneOf: described(FAULTS.map(({ name, does }) => ({ name, says: does }))),
  },
  value: {
    description: `an errno, ${TWICE} for a teardown, how much for a quota, what for a change`,
  },
  at: {
    description: 'the point of a teardown or a quota',
    oneOf: described(POINTS.map(({ name, when }) => ({ name, says: when }))),
  },
  until: {
    description: 'of a quota: it is given back when so many requests have been answered since',
    ...count(1),
  },
  when: range('when'),
  transport: { enum: TRANSPORTS },
  queue: range('queue'),
  entry: range('entry'),
  nodeid: range('nodeid'),
  size: range('size'),
  inflight: range('inflight'),
  phase: { enum: PHASES },
});

/** What the fault takes as its value; `needed` where it cannot do without. */
function outcomeOf(fault: Fault): { schema: object; needed: boolean } {
  if (fault.kind === 'teardown') return { schema: { const: TWICE }, needed: false };
  if (fault.kind === 'quota') return { schema: count(0), needed: true };
  if (fault.kind === 'result') {
    return { schema: { enum: fault.errnos.map(({ errno }) => errno) }, needed: true };
  }
  const { numbers, words = [] } = fault;
  if (numbers === undefined) {
    return { schema: { enum: words.map(({ word }) => word) }, needed: true };
  }
  const quoted = { type: 'string', pattern: `^${NUMBER}$` };
  return { schema: { anyOf: [integer(numbers.least, numbers.most), quoted] }, needed: true };
}

/** Matchers that mean nothing there are forbidden. */
function matchersOf(fault: Fault, point: Point | undefined): Record<string, unknown> {
  const names = ['messages', ...MATCHERS.map(({ name }) => name)];
  const misplaced = names.filter((name) => !meansHere(name, fault, point));
  return {
    ...Object.fromEntries(misplaced.map((name) => [name, false])),
    transport: { enum: transportsOf(fault, point) },
  };
}

const onTransports = ({ transports }: Fault) => ({
  transport: { enum: transports },
  ...(transports.includes('ring') ? {} : { queue: false, entry: false }),
});

const is = (key: string, name: string) => ({
  properties: { [key]: { const: name } },
  required: [key],
});

function ofFault(fault: Fault) {
  const { schema, needed } = outcomeOf(fault);
  const placed = fault.kind === 'teardown' || fault.kind === 'quota';
  const points = POINTS.filter((point) => transportsOf(fault, point).length > 0);
  return {
    if: is('fault', fault.name),
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
    then: {
      required: [...(needed ? ['value'] : []), ...(placed ? ['at'] : [])],
      properties: {
        value: schema,
        ...(placed ? { at: { enum: points.map(({ name }) => name) } } : { at: false }),
        ...(fault.kind === 'quota' ? {} : { until: false }),
        ...(placed ? onTransports(fault) : matchersOf(fault, undefined)),
      },
    },
  };
}

function ofPoint(point: Point) {
  const anyTeardown = FAULTS.find(({ kind }) => kind === 'teardown') as Fault;
  return {
    if: is('at', point.name),
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
    then: { properties: matchersOf(anyTeardown, point) },
  };
}

/** Only a ring has queues. */
const ofDevice = () => ({
  if: is('transport', 'device'),
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
  then: { properties: { queue: false, entry: false } },
});

export const planSchema = () => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'fuse-rig/plan.schema.json',
  title: 'A plan of faults for fuse-rig replay --plan',
  type: 'object',
  additionalProperties: false,
  required: ['rules'],
  properties: {
    seed: { ...integer(0), description: 'seed of what is generated' },
    rules: {
      type: 'array',
      minItems: 1,
      maxItems: RULES_MAX,
      items: {
        oneOf: [
          {
            type: 'string',
            maxLength: TEXT_MAX,
            pattern: '^[^\\s:]+(:[^\\s:]+)*$',
            description: 'as on the command line: READ:read=EINTR:when=3',
          },
          {
            type: 'object',
            additionalProperties: false,
            required: ['fault'],
            properties: ruleProperties(),
            allOf: [...FAULTS.map(ofFault), ...POINTS.map(ofPoint), ofDevice()],
          },
        ],
      },
    },
  },
});
