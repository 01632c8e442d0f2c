// What is exported as fuse-rig/vitest: in this run where it passes, in a run of its own where it must fail.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe } from 'vitest';
import { parseRule } from '../../faults/parse.ts';
import { caseYaml, makeCase } from '../cli/testing/cases.ts';
import { Place } from '../cli/testing/place.ts';
import { casesIn, expect, test } from './index.ts';
import { DEMO, DOUBLE, SOUND } from './testing/sample/servers.ts';

const root = fileURLToPath(new URL('./testing/sample', import.meta.url));
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const TIMEOUT_MS = 120_000;

interface Told {
  state: string;
  note?: string;
  errors: string[];
  annotations: { type: string; message: string; body: string }[];
}

/** Runs a sample; what became of its tests, by name. */
async function sample(
  name: string,
  place: Place,
  env: Record<string, string> = {},
  args: readonly string[] = [],
) {
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    [vitest, 'run', '--root', root, name, ...args],
    {
      reject: false,
      env: {
        ...{ TMPDIR: place.tmp, FUSE_RIG_PLACE: place.dir, FUSE_RIG_FORBID_SKIPS: '0' },
        ...{ NO_COLOR: '1', ...env },
      },
    },
  );
  const line = stdout.split('\n').find((text) => text.startsWith('{"tests":'));
  if (line === undefined) throw new Error(`nothing was told: ${stdout}${stderr}`);
  const { tests } = JSON.parse(line) as { tests: (Told & { name: string })[] };
  return { exitCode, stderr, told: new Map(tests.map((one) => [one.name, one])) };
}

describe('a replay in a test', () => {
  test('passes all that it is asked', async ({ rig }) => {
    const run = await rig.replay(DEMO, { server: SOUND });
    expect(run).toPass();
    expect(run).toTerminateCleanly();
    expect(run).toRespectBufferOwnership();
    expect(run).toMatchCapture();
    expect(run).toConform();
    expect(run).toKeepItsDescriptors();
    expect(run.lines.length).toBeGreaterThanOrEqual(run.requests);
    expect(run.reproduce).toMatch(
      /^fuse-rig replay corpus\/demo\/demo.fusecap --seed 1 -- .*server/,
    );
  });

  test('takes rules as text and as they are parsed, and a plan', async ({
    rig,
    onTestFinished,
  }) => {
    const place = new Place();
    onTestFinished(() => place.remove());
    const plan = place.at('plan.yaml');
    writeFileSync(plan, 'rules: ["GETATTR:read=EINTR:when=1"]\n');
    const faults = ['LOOKUP:read=EINTR:when=2', parseRule('LOOKUP:read=EINTR:when=3')];
    const run = await rig.replay(DEMO, { server: SOUND, plan, faults });
    expect(run.plan.map(({ rule, fired }) => [rule, fired])).toEqual([
      ['GETATTR:read=EINTR:when=1', 1],
      ['LOOKUP:read=EINTR:when=2', 1],
      ['LOOKUP:read=EINTR:when=3', 1],
    ]);
    expect(run.idle).toEqual([]);
    expect(run).toPass();
  });

  test('does not pass where a check fails', async ({ rig }) => {
    const run = await rig.replay(DEMO, { server: DOUBLE });
    expect(run).not.toConform();
    expect(run).not.toPass();
    expect(run).toTerminateCleanly();
  });

  test('says what it cannot use', async ({ rig }) => {
    const refused = (settings: Parameters<typeof rig.replay>[1], capture: string | URL = DEMO) =>
      expect(rig.replay(capture, settings)).rejects;
    await refused({ server: 'no-such-server {mountpoint}' }).toThrow(
      'not installed: no-such-server',
    );
    await refused({ server: '' }).toThrow('server: no command');
    await refused({ faults: ['READ:rad=EINTR'] }).toThrow('fault "READ:rad=EINTR": column 6: ');
    await refused({ server: SOUND }, 'none.fusecap').toThrow(
      /^none.fusecap: cannot read it: ENOENT/,
    );
    expect(() => expect({}).toPass()).toThrow('toPass takes what rig.replay(...) gives, awaited');
    expect(() => casesIn('docs')).toThrow('docs: no cases in it');
  });
});

describe('tests that fail', () => {
  let place: Place;
  let told: Map<string, Told>;
  beforeAll(async () => {
    place = new Place();
    ({ told } = await sample('findings', place, { FUSE_RIG_LOGS: place.at('logs') }));
  }, TIMEOUT_MS);
  afterAll(() => place.remove());
  const said = (name: string): string => told.get(name)?.errors.join('\n') ?? '';

  test('say the finding and the command that does it again', () => {
    expect(said('finds')).toMatch(/^FAIL conformance +\d+ replies refused by the kernel\n/);
    expect(said('finds')).toMatch(/\nreproduce {3}fuse-rig replay \S+ --seed 1 -- .*double-reply/);
    expect(said('takes the opposite')).toContain('pass conformance');
  });

  test('fail, too, where nothing was shown', () => {
    for (const name of ['is inconclusive', 'is inconclusive in the opposite']) {
      expect(said(name)).toMatch(/^inconclusive: [\s\S]*NEVER FIRED/);
    }
  });

  test('leave nothing, however they end', () => {
    expect(said('runs out of time')).toContain('timed out in 1000ms');
    expect(said('does not wait')).toContain('ended while 1 of its replays ran: await rig.replay');
    expect(said('forgets to wait')).toContain('toPass takes what rig.replay(...) gives, awaited');
    expect(place.left('logs')).toEqual([]);
  });

  test('have the log attached, and kept in a folder', () => {
    const [attached] = told.get('finds')?.annotations ?? [];
    expect(attached?.message).toMatch(/^log [0-9a-f]{12} of fuse-rig replay /);
    const names = readdirSync(place.at('logs'));
    const file = names.find((name) => name === 'findings.sample.ts-finds-1.log') ?? '';
    expect(readFileSync(join(place.at('logs'), file), 'utf8')).toBe(attached?.body);
    expect(attached?.body.split('\n').length).toBeGreaterThan(50);
    expect(said('finds')).toMatch(/\nlog {9}.*findings.sample.ts-finds-1.log$/);
    expect(told.get('takes the opposite')?.annotations).toEqual([]);
    expect(told.get('with what is always attached > passes')).toMatchObject({
      state: 'passed',
      annotations: [{ type: 'fuse-rig' }],
    });
  });
});

describe('a corpus in one line', () => {
  let place: Place;
  beforeAll(() => {
    place = new Place();
    const cases = place.at('cases');
    makeCase(cases, 'absent', caseYaml({ server: "[no-such-server, '{mountpoint}']" }));
    makeCase(cases, 'sound');
    const silent = "['{server}', --fs, memory, --unanswered, RENAME2, '{mountpoint}']";
    makeCase(cases, 'silent', caseYaml({ server: silent }));
    makeCase(cases, 'unusable', '{');
    const planned = makeCase(cases, 'planned', caseYaml({ plan: 'plan.yaml' }));
    writeFileSync(join(planned, 'plan.yaml'), 'rules: ["LOOKUP:read=EINTR:when=2"]\n');
  });
  afterAll(() => place.remove());
  const of = (name: string) => `${name} > comes to what is expected`;

  test('is a test a case and plan; what cannot run is skipped, and said', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { told, stderr, exitCode } = await sample('corpus', place, {
      SAMPLE_CASES: place.at('cases'),
    });
    const states = [...told].map(([name, { state }]) => [name, state]);
    expect(states).toEqual([
      [of('absent'), 'skipped'],
      [of('planned (plan.yaml)'), 'passed'],
      [of('silent'), 'failed'],
      [of('sound'), 'passed'],
      [of('unusable'), 'failed'],
    ]);
    expect(exitCode).toBe(1);
    expect(told.get(of('absent'))?.note).toBe('not installed: no-such-server');
    expect(stderr).toContain('SKIPPED absent: not installed: no-such-server');
    const silent = told.get(of('silent'))?.errors.join('\n');
    expect(silent).toMatch(
      /^exit \d .*expected 0 \(pass\)\n[\s\S]*\nreproduce {3}fuse-rig replay /,
    );
    expect(told.get(of('unusable'))?.errors[0]).toContain('case unusable: case.yaml line 1');
    expect(place.left('cases')).toEqual([]);
  });

  test('fails for what cannot run where skips are forbidden', { timeout: TIMEOUT_MS }, async () => {
    const env = { SAMPLE_CASES: place.at('cases'), FUSE_RIG_FORBID_SKIPS: '1' };
    const { told } = await sample('corpus', place, env, ['-t', 'absent']);
    expect(told.get(of('absent'))).toMatchObject({
      state: 'failed',
      errors: ['absent cannot run here, and must: not installed: no-such-server'],
    });
  });

  test('is a row for each seed', () => {
    const rows = casesIn(place.at('cases'), { seeds: [1, 2], server: './exportd {mountpoint}' });
    expect(rows.map(([title]) => title)).toContain('planned (plan.yaml) seed 2');
    const sound = rows.find(([title]) => title === 'sound seed 1');
    expect(sound?.[1]).toMatchObject({ server: ['./exportd', '{mountpoint}'], seed: 1 });
  });
});
