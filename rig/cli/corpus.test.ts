// Cases as they are typed: added, listed, run in every view, updated; Ctrl-C; nothing is left behind.
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunEvent } from '../cases/run.ts';
import type { CaseResult } from '../cases/run_case.ts';
import { caseYaml, DEMO, makeCase } from './testing/cases.ts';
import { isRoot, Place } from './testing/place.ts';
import { elementsOf } from './testing/xml.ts';

vi.setConfig({ testTimeout: 120_000 });

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const corpus = (...args: string[]) => place.type(['corpus', ...args], { limit: 120 });

/** What `--json` printed. */
function told({ exitCode, stdout, stderr }: { exitCode?: number; stdout: string; stderr: string }) {
  const events = stdout.split('\n').map((line) => JSON.parse(line) as RunEvent);
  const cases = events.filter((event): event is CaseResult => event.kind === 'case');
  const status = Object.fromEntries(cases.map((one) => [one.name, one.status]));
  return { exitCode, stderr, events, cases, status };
}

const run = async (...args: string[]) => told(await corpus('run', 'cases', '--json', ...args));

/** A server that never answers a rename, and one that nobody has. */
const SILENT = caseYaml({
  server: "['{server}', --fs, memory, --unanswered, RENAME2, '{mountpoint}']",
});
const ABSENT = caseYaml({ server: "[no-such-server, '{mountpoint}']" });
const NEEDY = caseYaml({ needs: '[no-such-program]' });

/** A pass, a failure under a plan, two skips, what cannot be used, and a pass with odd words. */
function mixture(place: Place): void {
  const cases = place.at('cases');
  makeCase(cases, 'a-sound');
  const silent = makeCase(cases, 'b-silent', `${SILENT}plan: plan.yaml\n`);
  writeFileSync(join(silent, 'plan.yaml'), 'rules: ["LOOKUP:read=EINTR:when=2"]\n');
  makeCase(cases, 'c-absent', ABSENT);
  makeCase(cases, 'd-needy', NEEDY);
  makeCase(cases, 'e-unusable', '{');
  // What XML forbids or escapes, in what a person wrote.
  const about = String.raw`"a <b> & ]]> \u0001 \ud800 end"`;
  makeCase(cases, 'f-odd', caseYaml({ about }));
}

describe('corpus run', () => {
  it('runs each case in exactly one shard', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) makeCase(place.at('cases'), name);
    const shards = await Promise.all(['1/2', '2/2', '6/6'].map((shard) => run('--shard', shard)));
    expect(shards.map(({ cases }) => cases.map(({ name }) => name))).toEqual([
      ['a', 'c', 'e'],
      ['b', 'd'],
      [],
    ]);
    expect(shards.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  });

  it('takes another server in place of every one, or a program for {server}', async () => {
    const cases = place.at('cases');
    makeCase(cases, 'bundled', caseYaml({ expect: "{ exit: 0, log: '000000000000' }" }));
    makeCase(cases, 'own', ABSENT);
    const own = await run();
    expect(own.status).toEqual({ bundled: 'fail', own: 'skipped' });
    expect(own.cases[0]?.reasons[0]).toMatch(/^log [0-9a-f]{12}, expected 000000000000$/);
    const program = own.cases[0]?.reproduce
      .split(' ')
      .find((word) => word.endsWith('/fuse-rig-server'));
    const whole = await run('--server', `${program} --fs memory {mountpoint}`);
    expect(whole).toMatchObject({ exitCode: 0, status: { bundled: 'pass', own: 'pass' } });
    const part = await run('--server', `'${program}' --unanswered RENAME2`);
    expect(part.status).toEqual({ bundled: 'fail', own: 'skipped' });
    expect(part.cases[1]?.reasons[0]).toContain('the case starts its own: no-such-server');
  });

  it('needs no privilege and no device', async (context) => {
    context.skip(!isRoot, 'only root can become somebody else');
    makeCase(place.at('cases'), 'sound');
    chmodSync(place.dir, 0o755);
    chmodSync(place.tmp, 0o777);
    const typed = await place.type(['corpus', 'run', 'cases'], { ordinary: true, limit: 120 });
    expect(typed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(place.left('cases')).toEqual([]);
  });

  it('does not pass where nothing ran, or where a skip is forbidden', async () => {
    makeCase(place.at('cases'), 'absent', ABSENT);
    expect((await run()).exitCode).toBe(6);
    makeCase(place.at('cases'), 'sound');
    expect((await run()).exitCode).toBe(0);
    const { exitCode, stderr } = await run('--forbid-skips');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 77,
      stderr: 'fuse-rig: 1 cases were skipped, and --forbid-skips',
    });
  });

  it('ends all that runs at Ctrl-C, and leaves nothing', async () => {
    const sleeper = caseYaml({ server: "[sh, -c, 'exec sleep 1000', '{mountpoint}']" });
    for (const name of ['a', 'b', 'c']) makeCase(place.at('cases'), name, sleeper);
    const child = corpus('run', 'cases', '--jobs', '2');
    const asleep = () =>
      place.processes().filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('sleep');
        } catch {
          return false;
        }
      });
    await place.until(() => asleep().length === 2);
    child.kill('SIGINT');
    const { exitCode, stdout } = await child;
    expect(exitCode).toBe(6);
    expect(stdout).toMatch(
      /0 passed, 0 failed, 0 skipped, 3 not run to their end .* exit 6 \(inconclusive\)$/,
    );
    expect(place.left('cases')).toEqual([]);
  });
});

describe('one run in every view', () => {
  let place: Place;
  let ran: ReturnType<typeof told>;
  beforeAll(async () => {
    place = new Place();
    mixture(place);
    const args = ['corpus', 'run', 'cases', '--json', '--jobs', '3', '--junit', 'out.xml'];
    ran = told(await place.type(args, { env: { GITHUB_ACTIONS: 'true' }, limit: 120 }));
  }, 120_000);
  afterAll(() => place.remove());

  it('tells JSON Lines: begin, every case in order of names, end', () => {
    const { exitCode, events, cases, status } = ran;
    expect(events[0]).toMatchObject({ kind: 'begin', dir: 'cases', cases: 6, jobs: 3 });
    expect(Object.entries(status)).toEqual([
      ['a-sound', 'pass'],
      ['b-silent', 'fail'],
      ['c-absent', 'skipped'],
      ['d-needy', 'skipped'],
      ['e-unusable', 'unusable'],
      ['f-odd', 'pass'],
    ]);
    expect(cases[1]?.reasons).toContainEqual(
      expect.stringMatching(/^exit \d \(\w+\), expected 0 \(pass\)$/),
    );
    expect(cases[2]?.reasons).toEqual(['not installed: no-such-server']);
    expect(cases[3]?.reasons).toEqual(['not installed: no-such-program']);
    const counts = { pass: 2, fail: 1, skipped: 2, unusable: 1, stopped: 0 };
    expect(events.at(-1)).toMatchObject({ kind: 'end', counts, exit: exitCode });
    expect([1, 3]).toContain(exitCode);
    expect(place.left('cases', 'out.xml')).toEqual([]);
  });

  it('gives a command that does again what it did, its faults too', async () => {
    const failed = ran.cases[1];
    const [program, ...words] = (failed?.reproduce ?? '').split(' ');
    expect(program).toBe('fuse-rig');
    const again = await place.type(words.map((word) => word.replaceAll("'", '')));
    expect(again.exitCode).toBe(failed?.exit);
    expect(again.stdout).toContain(`log ${failed?.replay?.log}`);
    expect(again.stdout).toMatch(/^LOOKUP:read=EINTR:when=2 +fired once/m);
  });

  it('JUnit: well-formed, a test case each, the reproducing command in system-out', () => {
    const elements = elementsOf(readFileSync(place.at('out.xml'), 'utf8'));
    const names = elements.filter(({ name }) => name === 'testcase');
    expect(names.map(({ attributes }) => attributes.name)).toEqual([
      'a-sound',
      'b-silent (plan.yaml)',
      'c-absent',
      'd-needy',
      'e-unusable',
      'f-odd',
    ]);
    const suite = elements.find(({ name }) => name === 'testsuite');
    expect(suite?.attributes).toMatchObject({
      tests: '6',
      failures: '1',
      errors: '1',
      skipped: '2',
    });
    const count = (name: string) => elements.filter((element) => element.name === name).length;
    expect([count('failure'), count('error'), count('skipped')]).toEqual([1, 1, 2]);
    const outs = elements.filter(({ name }) => name === 'system-out').map(({ text }) => text);
    expect(outs[1]).toContain(
      'reproduce   fuse-rig replay cases/b-silent/capture.fusecap --seed 1 --fault ',
    );
    expect(outs.at(-1)).toContain('a <b> & ]]> \\x01 \ufffd end');
  });

  it('TAP: a plan, a point each, why in YAML; nothing for GitHub where it does not run there', async () => {
    const { stdout, stderr } = await place.type(['corpus', 'run', 'cases', '--tap'], {
      limit: 120,
    });
    expect(stderr).toBe('');
    const lines = stdout.split('\n');
    expect(lines.slice(0, 3)).toEqual(['TAP version 14', '1..6', 'ok 1 - a-sound']);
    const points = lines.filter((line) => /^(not )?ok /.test(line));
    expect(points.slice(1)).toEqual([
      'not ok 2 - b-silent (plan.yaml)',
      'ok 3 - c-absent # SKIP not installed: no-such-server',
      'ok 4 - d-needy # SKIP not installed: no-such-program',
      'not ok 5 - e-unusable',
      'ok 6 - f-odd',
    ]);
    expect(lines.filter((line) => line === '  ---')).toHaveLength(2);
    expect(lines.filter((line) => line === '  ...')).toHaveLength(2);
  });

  it('GitHub: an annotation for all that is no pass, where it runs there', () => {
    const lines = ran.stderr.split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(
      /^::error file=cases\/b-silent\/case.yaml,title=fuse-rig fail%3A b-silent.*::exit \d .*%0Areproduce {3}fuse-rig replay /,
    );
    expect(lines[1]).toMatch(/^::notice file=cases\/c-absent/);
  });
});

describe('corpus add and update', () => {
  const server = ['--', '{server}', '--fs', 'memory', '{mountpoint}'];

  it('adds what passes, and what it is', async () => {
    const added = await corpus(
      'add',
      DEMO,
      'demo',
      '--dir',
      'cases',
      '--about',
      'what: "it" is',
      ...server,
    );
    expect(added).toMatchObject({ exitCode: 0, stderr: '' });
    expect(added.stdout).toMatch(/^cases\/demo {2}56 requests {2}expects exit 0 \(pass\)$/);
    expect(readdirSync(place.at('cases/demo')).sort()).toEqual([
      'README.md',
      'capture.fusecap',
      'case.yaml',
    ]);
    expect((await run()).status).toEqual({ demo: 'pass' });
    const listed = await corpus('list', 'cases', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject({ name: 'demo', about: 'what: "it" is' });
    const again = await corpus('add', DEMO, 'demo', '--dir', 'cases', ...server);
    expect(again).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('cases/demo exists'),
    });
  });

  it('names the rules of a plan that never came true, whenever it is run', async () => {
    writeFileSync(place.at('idle.yaml'), 'rules: [READ:read=EINTR:when=999]\n');
    const plan = ['--plan', 'idle.yaml', '--dir', 'cases'];
    const added = await corpus('add', DEMO, 'idle', ...plan, ...server);
    const named = /^ {5}READ:read=EINTR:when=999 +NEVER FIRED: no moment/m;
    expect(added.stdout).toMatch(/expects exit 6 \(inconclusive\)$/m);
    expect(added.stdout).toMatch(named);
    expect((await corpus('run', 'cases')).stdout).toMatch(named);
    makeCase(place.at('cases'), 'idle', caseYaml({ plan: 'plan.yaml' }));
    const strict = await corpus('run', 'cases');
    expect(strict.stdout).toMatch(/^FAIL idle.*\n(?: .*\n)*? {5}READ:read=EINTR:when=999 +NEVER/m);
    expect(strict.exitCode).not.toBe(0);
  });

  it('leaves nothing of a case that cannot be one', async () => {
    const absent = ['--', 'no-such-server', '{mountpoint}'];
    const { exitCode, stderr } = await corpus('add', DEMO, 'demo', '--dir', 'cases', ...absent);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 77,
      stderr: 'fuse-rig: not installed: no-such-server',
    });
    const { stderr: unmounted } = await corpus('add', DEMO, 'demo', '--dir', 'cases', '--', 'true');
    expect(unmounted).toContain('case demo: server: "true" has no {mountpoint}');
    expect(readdirSync(place.at('cases'))).toEqual([]);
  });

  it('shows what changes and why, and writes it with --yes, comments kept', async () => {
    const dir = makeCase(place.at('cases'), 'silent', `# by hand\n${SILENT}`);
    const file = join(dir, 'case.yaml');
    const before = readFileSync(file, 'utf8');
    const asked = await corpus('update', 'cases');
    expect(asked.exitCode).toBe(1);
    expect(asked.stdout).toMatch(/^silent {2}fail\n {5}exit \d .*expected 0 \(pass\)\n/);
    expect(asked.stdout).toMatch(/0 as expected, 1 to be written; --yes writes$/);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect((await corpus('update', 'cases', '--yes')).exitCode).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^# by hand\n/);
    expect(existsSync(`${file}.partial`)).toBe(false);
    writeFileSync(join(makeCase(place.at('cases'), 'damaged'), 'capture.fusecap'), 'x');
    const again = await corpus('update', 'cases', '--yes');
    expect(again.exitCode).toBe(2);
    expect(again.stdout).toMatch(/^damaged {2}unusable\n[\s\S]*\n1 as expected, 0 changed$/);
  });
});
