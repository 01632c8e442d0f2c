/** The JSON schema of plan files, derived from the lists: faults/plan.schema.json is this. */
import { OP_NAMES } from '../rig/protocol/opcodes.ts';
import { FAULTS } from './list.ts';
import { MATCHERS } from './matchers.ts';
import { POINTS } from './points.ts';
import { PHASES, TRANSPORTS, TWICE } from './rule.ts';

/** Keys of a rule that is written as a map. */
export const RULE_KEYS: readonly string[] = [
  'messages',
  'fault',
  'value',
  'at',
  'until',
  ...MATCHERS.map(({ name }) => name),
];

const errnos = [
  ...new Set(FAULTS.flatMap((f) => (f.kind === 'result' ? f.errnos.map((row) => row.errno) : []))),
];

const words = FAULTS.flatMap((f) =>
  f.kind === 'change' ? (f.words ?? []).map(({ word }) => word) : [],
);

const range = (name: string) => ({
  description: MATCHERS.find((one) => one.name === name)?.chooses,
  anyOf: [
    { type: 'integer', minimum: name === 'when' ? 1 : 0 },
    {
      type: 'string',
      pattern: name === 'when' ? '^\\d+(\\.\\.(\\d+)?)?(\\+\\d+)?$' : '^\\d+(\\.\\.(\\d+)?)?$',
    },
  ],
});

const described = (list: readonly { name: string; says: string }[]) =>
  list.map(({ name, says }) => ({ const: name, description: says }));

const ruleProperties = () => ({
  messages: {
    description: 'opcodes; without them every request a client waits for; * is all messages',
    anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { enum: OP_NAMES } }],
  },
  fault: {
    oneOf: described(FAULTS.map(({ name, does }) => ({ name, says: does }))),
  },
  value: {
    description: `an errno, ${TWICE} for a teardown, how much for a quota, what for a change`,
    anyOf: [{ type: 'integer', minimum: 0 }, { enum: [...errnos, TWICE, ...words] }],
  },
  at: {
    description: 'the point of a teardown or a quota',
    oneOf: described(POINTS.map(({ name, when }) => ({ name, says: when }))),
  },
  until: {
    description: 'of a quota: it is given back when so many requests have been answered since',
    type: 'integer',
    minimum: 1,
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

export const planSchema = () => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'fuse-rig/plan.schema.json',
  title: 'A plan of faults for fuse-rig replay --plan',
  type: 'object',
  additionalProperties: false,
  required: ['rules'],
  properties: {
    seed: { type: 'integer', minimum: 0, description: 'seed of what is generated' },
    rules: {
      type: 'array',
      minItems: 1,
      items: {
        oneOf: [
          { type: 'string', description: 'as on the command line: READ:read=EINTR:when=3' },
          {
            type: 'object',
            additionalProperties: false,
            required: ['fault'],
            properties: ruleProperties(),
          },
        ],
      },
    },
  },
});
