/** Both views of a live session say the same. */
import { expect, it } from 'vitest';
import { type LiveReport, liveJson, liveText } from './live.ts';

const report: LiveReport = {
  command: ['./exportd', '/srv/data', '/mnt/data'],
  ended: 'stall',
  workload: 'exit 3',
  replay: 'fuse-rig replay run.fusecap --seed 1',
  result: {
    ...{ reason: 'server-exit', mounted: '/mnt/data', requests: 41, replies: 39, bytes: 2463 },
    ...{ exit: { code: 0, signal: null }, neverOpened: false, mountFailed: undefined },
    ...{ noise: undefined, survivors: [], kept: true, seconds: 1.234, stalled: true },
    findings: [
      { check: 'progress', verdict: 'fail', text: 'it waits', details: ['for what', 'and why'] },
      { check: 'conformance', verdict: 'pass', text: '39 replies taken', details: [] },
    ],
    plan: [
      {
        ...{ rule: 'READ:cqe=ECANCELED', fired: 2, refused: 0, refusal: '', synthetic: true },
        first: { request: 0, opcode: 'READ', at: 'cqe', queue: 1, entry: 7 },
      },
    ],
    notes: ['abort: done by fuse-rig'],
    ring: { queues: 2, depth: 8, requests: 40 },
  },
};

it('what a person sees is in the JSON, and the other way round', () => {
  const text = liveText(report);
  const json = JSON.parse(liveJson(report));
  const words = [
    ...['/mnt/data', '41 requests', '39 replies', 'ring 2x8', './exportd /srv/data /mnt/data'],
    ...['READ:cqe=ECANCELED', 'fired twice, first at READ queue 1 entry 7', '(synthetic)'],
    ...['FAIL progress', 'it waits', 'for what', 'and why', 'pass conformance', '39 replies taken'],
    ...['abort: done by fuse-rig', 'exit 3', '1 finding ', '1.23 s', 'ended by stall'],
    ...['no kernel does what this plan did', 'fuse-rig replay run.fusecap --seed 1'],
  ];
  for (const word of words) expect(text).toContain(word);
  expect(json).toEqual(
    JSON.parse(
      JSON.stringify({
        ...report.result,
        command: report.command,
        ended: 'stall',
        workload: 'exit 3',
        replay: report.replay,
      }),
    ),
  );
});
