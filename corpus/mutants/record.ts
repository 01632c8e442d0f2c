/**
 * `npm run mutants:record [CASE...]`: makes the cases of corpus/mutants/cases anew, of the rows of cases.ts. A
 * scene is recorded once, into the first case that is of it; nothing of this machine is left in it. The
 * clean server must pass what it is recorded for, twice alike. Recording mounts: it needs root.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CAPTURE_FILE, CASE_FILE, caseOf } from '../../rig/cases/case.ts';
import { observed } from '../../rig/cases/expectation.ts';
import { runCase } from '../../rig/cases/run_case.ts';
import { newCaseFile } from '../../rig/cases/write.ts';
import { redact } from '../../rig/redact/redact.ts';
import { CASES, type MutantCase } from './cases.ts';
import { CASES_DIR } from './matrix.ts';
import { recordScene, type Scene } from './scene.ts';
import { SCENES } from './scenes.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const PLAN_FILE = 'plan.yaml';

const sceneOf = (name: string): Scene => {
  const found = SCENES.find((scene) => scene.name === name);
  if (found === undefined) throw new Error(`there is no scene ${name}`);
  return found;
};

/** The case that holds the capture of a scene. */
const holderOf = (scene: string): string => CASES.find((one) => one.scene === scene)?.name ?? '';

async function recordCapture(scene: Scene, scratch: string): Promise<void> {
  const [raw, clean] = [join(scratch, 'raw.fusecap'), join(scratch, 'clean.fusecap')];
  await recordScene(scene, raw);
  await redact(raw, clean, { hostOnly: true, force: true });
  const dir = join(CASES_DIR, holderOf(scene.name));
  mkdirSync(dir, { recursive: true });
  copyFileSync(clean, join(dir, CAPTURE_FILE));
}

function readmeOf({ name, about, mutants, scene }: MutantCase): string {
  const rows = Object.entries(mutants).map(([bug, check]) => `| ${bug} | ${check} |`);
  return [
    `# ${name}`,
    '',
    about,
    '',
    `The clean server passes. Scene \`${scene}\` of \`corpus/mutants/\`; docs/mutants.md says what each bug is.`,
    '',
    '| bug of the server | found by |',
    '| --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

/** Writes the folder of a case, its expectation last: what the clean server comes to. */
async function make(one: MutantCase): Promise<void> {
  const dir = join(CASES_DIR, one.name);
  mkdirSync(dir, { recursive: true });
  const { before = [], server } = { ...sceneOf(one.scene), ...one };
  const holder = holderOf(one.scene);
  const written = {
    about: one.about,
    ...(holder === one.name ? {} : { capture: `../${holder}/${CAPTURE_FILE}` }),
    ...(one.faults === undefined ? {} : { plan: PLAN_FILE }),
    server: [...before, '{server}', ...server, '{mountpoint}'],
    needs: before.filter((word) => /^[a-z]+$/.test(word)),
    ...(one.options === undefined ? {} : { options: one.options }),
  };
  if (one.faults !== undefined) {
    const rules = one.faults.map((rule) => `  - ${rule}\n`).join('');
    writeFileSync(join(dir, PLAN_FILE), `rules:\n${rules}`);
  }
  writeFileSync(join(dir, 'README.md'), readmeOf(one));
  const draft = newCaseFile({ ...written, expect: { exit: 0, checks: {} } });
  const runs = [
    await runCase(caseOf(one.name, dir, draft)),
    await runCase(caseOf(one.name, dir, draft)),
  ];
  const [first, second] = runs.map(({ replay }) => replay);
  const wrong = runs.flatMap(({ reasons, reproduce }) => [...reasons, reproduce]);
  if (first === undefined || runs.some(({ status }) => status !== 'pass')) {
    throw new Error(`${one.name}: the clean server does not pass: ${wrong.join('; ')}`);
  }
  if (first.log !== second?.log) say(`${one.name}: two runs differ in their logs`);
  writeFileSync(join(dir, CASE_FILE), newCaseFile({ ...written, expect: observed(first, false) }));
  say(`${one.name.padEnd(24)} ${String(first.requests).padStart(5)} requests`);
}

async function main(only: readonly string[]): Promise<void> {
  const unknown = only.find((name) => !CASES.some((one) => one.name === name));
  if (unknown !== undefined) throw new Error(`there is no case ${unknown}`);
  const cases = CASES.filter(({ name }) => only.length === 0 || only.includes(name));
  const scratch = mkdtempSync(join(tmpdir(), 'fuse-rig-mutants-'));
  try {
    for (const one of cases) {
      const capture = join(CASES_DIR, holderOf(one.scene), CAPTURE_FILE);
      const here = holderOf(one.scene) === one.name;
      if (here || !existsSync(capture)) await recordCapture(sceneOf(one.scene), scratch);
      await make(one);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`mutants:record: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
