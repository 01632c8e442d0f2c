/**
 * `npm run corpus:record [NAME...]`: makes the cases of real traffic anew, with the servers of this
 * machine. Each is recorded, freed of what tells of the machine, and added by `fuse-rig corpus add`,
 * which replays it twice; what was there before is replaced only then.
 */
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { recordedCommand } from '../replayer/command.ts';
import { CAPTURE_FILE } from '../rig/cases/case.ts';
import { redact } from '../rig/redact/redact.ts';
import { RIG } from './campaigns/ground.ts';
import { caseCommand, REAL_CASES, type RealCase } from './real_cases.ts';
import { must } from './run.ts';
import { libfuseProgram } from './servers/libfuse.ts';
import { preparePlaces, startVariant } from './servers/live.ts';
import { allowRings } from './servers/ring.ts';
import { brief } from './workloads/brief.ts';
import { glance } from './workloads/glance.ts';
import { runWorkload, type Workload } from './workloads/workload.ts';
import { unsuited, workloads } from './workloads/workloads.ts';

const SEED = 7;
const CASES = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../corpus/cases' : './cases', import.meta.url),
);
const say = (line: string) => process.stdout.write(`${line}\n`);

function workOf({ recipe, work }: RealCase): Workload[] {
  return work.map((name) => {
    const workload = [glance, brief, ...workloads].find((w) => w.name === name);
    if (workload === undefined) throw new Error(`no workload ${name}`);
    const why = unsuited(workload, recipe);
    if (why !== undefined) throw new Error(why);
    return workload;
  });
}

async function record(one: RealCase, capture: string): Promise<void> {
  const { recipe, variant: wanted = 'plain' } = one;
  const variant = recipe.variants.find(({ name }) => name === wanted);
  if (variant === undefined) throw new Error(`${recipe.name} has no variant ${wanted}`);
  const places = await preparePlaces({ ...recipe, prepare: one.prepare ?? recipe.prepare });
  try {
    const words = ['record', '-q', '-o', capture, '--fixture', places.fixture, '--'];
    const server = await startVariant(variant, places, [...RIG, ...words]);
    try {
      for (const workload of workOf(one)) {
        await runWorkload(workload, places.mountpoint, SEED, 'small');
      }
    } catch (error) {
      await server.end();
      throw error;
    }
    const { leftovers } = await server.end();
    if (leftovers.length > 0) throw new Error(`${one.name} left ${leftovers.join(', ')}`);
  } finally {
    places.remove();
  }
}

/** The case's own command; where names of the fixture were replaced, with those it has now. */
async function withoutPrivate(one: RealCase, from: string, to: string): Promise<string[]> {
  const told = await redact(from, to, { hostOnly: one.redact !== 'all' });
  if (one.redact !== 'all') return caseCommand(one);
  const { begin, mountpoint } = told;
  return recordedCommand(begin, mountpoint, { mountpoint: '{mountpoint}', fixture: '{fixture}' });
}

async function make(one: RealCase, scratch: string): Promise<void> {
  const [raw, capture] = [join(scratch, 'raw.fusecap'), join(scratch, `${one.name}.fusecap`)];
  await record(one, raw);
  const command = await withoutPrivate(one, raw, capture);
  rmSync(raw);
  const [node = '', ...rig] = RIG;
  const flags = [
    ...['--dir', join(scratch, 'cases'), '--about', one.about],
    ...(one.needs === undefined ? [] : ['--needs', ...one.needs]),
    ...(one.recipe.serial === undefined ? [] : ['--serial']),
  ];
  const words = ['corpus', 'add', capture, one.name, ...flags, '--', ...command];
  const env = { PATH: `${dirname(libfuseProgram('memfs_ll'))}:${process.env.PATH}` };
  say((await must(node, [...rig, ...words], { env, timeoutS: 120 })).trim());
  rmSync(join(CASES, one.name), { recursive: true, force: true });
  cpSync(join(scratch, 'cases', one.name), join(CASES, one.name), { recursive: true });
  // Made-up data, for everybody.
  chmodSync(join(CASES, one.name, CAPTURE_FILE), 0o644);
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => REAL_CASES.every((one) => one.name !== name));
  if (unknown !== undefined) {
    throw new Error(`${unknown}: no such case; ${REAL_CASES.map(({ name }) => name).join(', ')}`);
  }
  for (const one of REAL_CASES) {
    if (names.length > 0 && !names.includes(one.name)) continue;
    const why = one.recipe.missing();
    if (why !== undefined) {
      say(`${one.name}: left as it is: ${why}`);
      continue;
    }
    const scratch = mkdtempSync(join(tmpdir(), 'fuse-rig-case-'));
    const release = one.recipe.transport === 'ring' ? await allowRings() : undefined;
    try {
      await make(one, scratch);
    } catch (error) {
      say(`${one.name}: left as it is: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    } finally {
      await release?.();
      rmSync(scratch, { recursive: true, force: true });
    }
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`fuse-rig: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
