/**
 * `npm run campaign:live [-- mutants|servers] [NAME...]`: `fuse-rig live` on real mounts. Mutants of the
 * reference server must be found, by the check that is for them, and the clean server by none; real servers
 * under many faults must not be accused of anything. Each run must end by itself and leave nothing.
 * Exit: 0 if everything is as it should be, 1 if not. For docs/live.md.
 */
import { readdirSync } from 'node:fs';
import { stopwatch } from '../../rig/stopwatch.ts';
import { liveRun, MUTANTS } from '../live/mutants.ts';
import { failed, type LiveOutcome, runLive } from '../live/run.ts';
import { FAULTS, SUBJECTS, subjectRun } from '../live/subjects.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const CONNECTIONS = '/sys/fs/fuse/connections';
function connections(): string[] {
  try {
    return readdirSync(CONNECTIONS);
  } catch {
    return [];
  }
}

function tell(ok: boolean, what: string, outcome: LiveOutcome): number {
  const { wrong, seconds, stderr } = outcome;
  const found = failed(outcome).map((text) => text.slice(0, 110));
  const words = [...found, ...wrong, ...(ok ? [] : [stderr.trim().split('\n').at(-1) ?? ''])];
  say(
    `${ok ? 'ok ' : 'BAD'} ${what.padEnd(64)} ${seconds.toFixed(1).padStart(5)} s  ${words.join(' | ')}`,
  );
  return ok ? 0 : 1;
}

const chosen = (names: readonly string[], name: string): boolean =>
  names.length === 0 || names.includes(name);

async function mutants(names: readonly string[]): Promise<number> {
  let bad = 0;
  let runs = 0;
  const clean = new Set<string>();
  for (const row of MUTANTS.filter(({ bug }) => chosen(names, bug))) {
    const outcome = await runLive(liveRun(row, row.bug));
    const found = outcome.findings.some(
      ({ check, verdict }) => check === row.check && verdict === 'fail',
    );
    bad += tell(found && outcome.wrong.length === 0, `${row.bug}  ${row.check}`, outcome);
    runs++;
    const how = JSON.stringify([row.scene, row.server, row.before, row.faults]);
    if (clean.has(how)) continue;
    clean.add(how);
    const good = await runLive(liveRun(row, ''));
    const passed = good.code === 0 && failed(good).length === 0 && good.wrong.length === 0;
    bad += tell(passed, `(clean) ${row.scene.split(' ')[0]} ${(row.server ?? []).join(' ')}`, good);
  }
  say(`${runs} mutants, ${clean.size} clean runs: ${bad} not as they should be`);
  return bad;
}

/** What was read back of what had been written, without a fault. */
const read = ({ findings, requests }: LiveOutcome): string =>
  `no fault, ${requests} requests, ${findings.find(({ check }) => check === 'content')?.text}`;

async function servers(names: readonly string[]): Promise<number> {
  let [bad, runs, idle] = [0, 0, 0];
  for (const subject of SUBJECTS.filter(({ name }) => chosen(names, name))) {
    const why = subject.missing();
    if (why !== undefined) {
      say(`${subject.name}: SKIPPED: ${why}`);
      continue;
    }
    for (const fault of ['', ...FAULTS[subject.transport]]) {
      const outcome = await runLive(subjectRun(subject, fault));
      runs++;
      // Which moments come is the server's affair: a fault that never did says nothing.
      const fired = outcome.code === 0;
      if (outcome.code === 6) idle++;
      const ok = (fired || outcome.code === 6) && outcome.wrong.length === 0;
      const how = fault === '' ? read(outcome) : `${fault}${fired ? '' : '  (never fired)'}`;
      bad += tell(ok, `${subject.name}  ${how}`, outcome);
    }
  }
  say(
    `${runs} runs of real servers: ${bad} not as they should be, ${idle} in which the fault never fired`,
  );
  return bad;
}

async function main([first = '', ...names]: readonly string[]): Promise<number> {
  const elapsed = stopwatch();
  const before = new Set(connections());
  let bad = 0;
  if (first === 'mutants' || first === '') bad += await mutants(names);
  if (first === 'servers' || first === '') bad += await servers(names);
  if (!['', 'mutants', 'servers'].includes(first)) {
    throw new Error(`no part ${first}; there are mutants and servers`);
  }
  const left = connections().filter((one) => !before.has(one));
  say(
    `${elapsed().toFixed(0)} s; connections left: ${left.length === 0 ? 'none' : left.join(' ')}`,
  );
  return bad;
}

try {
  process.exitCode = (await main(process.argv.slice(2))) === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`campaign:live: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
