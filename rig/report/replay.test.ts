/** What a person reads of a replay: findings first, warnings, and what the server printed. */
import { expect, it } from 'vitest';
import type { ReplayResult } from '../../replayer/replay.ts';
import { replayJson, replayText } from './replay.ts';

const result: ReplayResult = {
  command: ['./server', '/mnt'],
  requests: 3,
  log: '0123456789ab',
  findings: [
    { check: 'conformance', verdict: 'pass', text: '3 replies taken', details: [] },
    { check: 'ownership', verdict: 'fail', text: 'queue 1 entry 3: it wrote', details: ['why'] },
  ],
  output: 'hello\u001b[2J\n',
  seconds: 1,
  exit: { code: 0, signal: null },
  ring: { queues: 2, depth: 8, requests: 3 },
  news: 0,
  plan: [],
  overlaps: 0,
  unsupported: [],
};
const report = {
  capture: '/tmp/a.fusecap',
  seed: 1,
  serial: false,
  result,
  reproduce: 'fuse-rig replay a',
};

it('has failures first, then what passed, then what was printed, which speaks to no terminal', () => {
  expect(replayText(report).split('\n')).toEqual([
    'a.fusecap  3 requests  ring 2x8  seed 1  ./server /mnt',
    '',
    'FAIL ownership    queue 1 entry 3: it wrote',
    '     why',
    'pass conformance  3 replies taken',
    '',
    'the server printed',
    '     hello\\x1b[2J',
    '',
    '1 finding   log 0123456789ab   1.00 s',
    'reproduce   fuse-rig replay a',
    '',
  ]);
});

it('warns of what the rig could not do', () => {
  const what = 'IOSQE_IO_DRAIN on a FUSE command';
  const warned = { ...report, result: { ...result, unsupported: [what] } };
  expect(replayText(warned)).toContain(`\nnote fuse-rig cannot do this: ${what}\n`);
  expect(replayText(report)).not.toContain('note');
  expect(JSON.parse(replayJson(warned))).toMatchObject({ unsupported: [what] });
});
