// Cases that cannot be used, all in one folder with one that can: an error by name, and the other runs.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunEvent } from '../cases/run.ts';
import type { CaseResult } from '../cases/run_case.ts';
import { caseYaml, MEMORY, makeCase } from './testing/cases.ts';
import { Place } from './testing/place.ts';

/** [name, what is wrong with it, what is said, its plan]. */
const BAD: readonly (readonly [string, string, string, string?])[] = [
  ['not-yaml', '{ nothing', 'case.yaml line 1 is not YAML: '],
  ['empty', '# nothing\n', 'case.yaml line 1: not a map of format, about, '],
  [
    'newer',
    caseYaml({ format: '2', server: '!what' }),
    'written for a newer fuse-rig (case format 2; this one reads 1): use that version',
  ],
  ['no-format', caseYaml({ format: '' }), 'case.yaml line 1: lacks format'],
  ['no-server', caseYaml({ server: '' }), 'case.yaml line 1: lacks server'],
  [
    'server-text',
    caseYaml({ server: './exportd' }),
    'case.yaml line 3: server: not a list of words',
  ],
  [
    'no-mountpoint',
    caseYaml({ server: '[./exportd, /mnt]' }),
    'server: "./exportd /mnt" has no {mountpoint}',
  ],
  [
    'placeholder',
    caseYaml({ server: "[x, '{mnt}', '{mountpoint}']" }),
    'server: {mnt} stands for nothing',
  ],
  [
    'unknown-key',
    caseYaml({ sever: '[x]' }),
    'case.yaml line 5: sever: no such key; there are format, ',
  ],
  [
    'expect-exit',
    caseYaml({ expect: '{ exit: banana }' }),
    'case.yaml line 4: expect.exit: not one of 0, 1, ',
  ],
  [
    'expect-check',
    caseYaml({ expect: '{ exit: 0, checks: { content: maybe } }' }),
    'expect.checks.content: not one of pass, fail, unknown',
  ],
  [
    'expect-log',
    caseYaml({ expect: '{ exit: 0, log: 12 }' }),
    'expect.log: not 12 hexadecimal digits',
  ],
  ['option', caseYaml({ options: '{ cpus: 0 }' }), 'options.cpus: not a whole number from 1 to 64'],
  [
    'no-capture',
    caseYaml({ capture: 'gone.fusecap' }),
    'its capture gone.fusecap is missing; put it back',
  ],
  ['no-plan', caseYaml({ plan: 'gone.yaml' }), 'its plan gone.yaml is missing; put it back'],
  [
    'plan-no-rule',
    caseYaml({ plan: 'plan.yaml' }),
    'has a plan that cannot be used: plan.yaml:1:15: no fault "rad"; did you mean read?',
    'rules: ["READ:rad=EINTR"]\n',
  ],
  [
    'plan-ring',
    caseYaml({ plan: 'plan.yaml', options: '{ transport: device }' }),
    'has a plan for another transport: "READ:cqe=ENOTCONN" needs a ring, and its options say transport: device',
    'rules: ["READ:cqe=ENOTCONN"]\n',
  ],
  [
    'no-fixture',
    caseYaml({ server: MEMORY.replace('memory', "'passthrough={fixture}'") }),
    'the command names {fixture}, but the capture has none',
  ],
];

let place: Place;
let exitCode: number | undefined;
const results = new Map<string, CaseResult>();

beforeAll(async () => {
  place = new Place();
  const cases = place.at('cases');
  makeCase(cases, 'sound');
  for (const [name, yaml, , plan] of BAD) {
    const dir = makeCase(cases, name, yaml);
    if (plan !== undefined) writeFileSync(join(dir, 'plan.yaml'), plan);
  }
  makeCase(cases, 'one/twin');
  makeCase(cases, 'two/twin');
  makeCase(cases, 'lost', '');
  writeFileSync(`${makeCase(cases, 'damaged')}/capture.fusecap`, 'not a capture');
  const run = await place.type(['corpus', 'run', 'cases', '--json'], { limit: 120 });
  exitCode = run.exitCode;
  for (const line of run.stdout.split('\n')) {
    const event = JSON.parse(line) as RunEvent;
    if (event.kind === 'case') results.set(event.name, event);
  }
}, 120_000);
afterAll(() => place.remove());

describe('cases that cannot be used', () => {
  it('cost the others nothing, and the whole is exit code 2', () => {
    expect(results.get('sound')).toMatchObject({ status: 'pass', exit: 0, reasons: [] });
    expect(exitCode).toBe(2);
    expect(place.left('cases')).toEqual([]);
  });

  it.each(BAD.map(([name, , message]) => [name, message] as const))(
    '%s is named, with what to do',
    (name, message) => {
      const { status, reasons } = results.get(name) as CaseResult;
      expect(status).toBe('unusable');
      expect(reasons).toHaveLength(1);
      expect(reasons[0]).toContain(message);
      expect(reasons[0]).not.toContain('\n');
    },
  );

  it('two cases with one name are both refused, with their places', () => {
    const { status, reasons } = results.get('twin') as CaseResult;
    expect(status).toBe('unusable');
    expect(reasons).toEqual(['case twin: one/twin and two/twin have one name; rename all but one']);
  });

  it('a capture without its case.yaml is not passed over', () => {
    expect(results.get('lost')?.reasons[0]).toContain(
      'case lost: holds a capture and no case.yaml',
    );
  });

  it('a file that is no capture is said to be none', () => {
    expect(results.get('damaged')).toMatchObject({ status: 'unusable', exit: 2 });
    expect(results.get('damaged')?.reasons[0]).toContain('not a fuse-rig capture');
  });

  it('are named by corpus list as well', async () => {
    const { exitCode, stdout, stderr } = await place.type(['corpus', 'list', 'cases']);
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/^sound$/m);
    expect(stderr).toContain('fuse-rig: case newer: written for a newer fuse-rig');
  });
});

describe('a command line that cannot be used', () => {
  it.each([
    [['run', 'nowhere'], 'nowhere: no such folder; name one that holds cases'],
    [['run', 'src'], 'src: no cases in it; a case is a folder with a case.yaml'],
    [['run', 'cases', '--jobs', '0'], '--jobs 0: not a number of jobs'],
    [['run', 'cases', '--share', '/tmp'], '--share: there is no --root to share it with'],
    [['run', 'cases', '--root', '/nowhere'], '--root /nowhere: no such directory; name the root'],
    [['run', 'cases', '--shard', '3/2'], '--shard 3/2: not a shard; give one such as'],
    [['run', 'cases', '--only', 'sund'], '--only sund: no such case; there are damaged, '],
    [['run', 'cases', '--server', ' '], '--server: no command'],
    [['run', 'cases', '--junit', 'no/such/dir.xml'], '--junit no/such/dir.xml: cannot be written'],
    [['run', 'cases', '--json', '--tap'], '--json and --tap: one of them'],
    [['update', 'cases', '--only', 'sund'], '--only sund: no such case'],
    [['add', 'none.fusecap', 'x', '--', 'y'], 'none.fusecap: no such capture'],
    [['add', '.', 'x', '--', 'y'], '.: not a file; name a capture that fuse-rig record wrote'],
    [['add', 'none.fusecap', '../x', '--', 'y'], '../x: not a name for a case'],
    [['add', 'none.fusecap', 'x'], 'no server; name its command after --'],
  ])('%j: %s', (args, message) => {
    const bin = new URL('./bin.mjs', import.meta.url).pathname;
    const options = { cwd: place.dir, reject: false } as const;
    const { exitCode, stdout, stderr } = execaSync('node', [bin, 'corpus', ...args], options);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^fuse-rig: [^\n]+$/);
    expect(stderr).toContain(message);
  });
});
