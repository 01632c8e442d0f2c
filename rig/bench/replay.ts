/**
 * replay: requests a second that a replay puts through a server, all checks on, over what a client
 * at depth 1 gets from the same server on a real mount.
 */
import { run } from '../../corpus/run.ts';
import type { Recipe } from '../../corpus/servers/recipe.ts';
import { servers } from '../../corpus/servers/servers.ts';
import { type Bench, compared } from './measure.ts';
import { beside, fuseRig, withPlaces, work } from './servers.ts';

/** squashfuse's mounts cannot be written, and what is read of others comes from the page cache. */
const SERVERS = servers.filter(({ capabilities }) => capabilities.includes('direct'));
const COUNT = 30_000;

const OPERATIONS = [
  'open w big WRONLY|CREAT|TRUNC',
  'fill w 1 4M 1M',
  'close w',
  'open r big RDONLY|DIRECT',
  `time-random r 4K ${COUNT} 1`,
  'close r',
  'unlink big',
];

interface Replayed {
  requests: number;
  seconds: number;
  findings: { verdict: string; check: string; details: string[] }[];
}

/** A replay that finds something has measured something else: that is said, not measured. */
export async function replayOnce([program = '', ...args]: string[]): Promise<Replayed> {
  const ran = await run(program, args, { timeoutS: 300 });
  if (ran.stdout === '') throw new Error(`replay ended with ${ran.code}: ${ran.stderr}`);
  const result = JSON.parse(ran.stdout) as Replayed;
  const failed = result.findings.find((finding) => finding.verdict !== 'pass');
  if (failed !== undefined) throw new Error(`replay: ${failed.check}: ${failed.details[0]}`);
  return result;
}

async function one(recipe: Recipe, bench: Bench): Promise<void> {
  await withPlaces(recipe, async (places) => {
    const rig = fuseRig();
    const capture = beside(places, 'bench.fusecap');
    const record = [...rig, 'record', '-q', '--force', '-o', capture];
    bench.say(`replay ${recipe.name}: recording`);
    await work(recipe, places, [...record, '--fixture', places.fixture, '--'], OPERATIONS);
    const [live, replayed]: [number[], number[]] = [[], []];
    for (let turn = 1; turn <= bench.runs; turn++) {
      bench.say(`replay ${recipe.name} ${turn}/${bench.runs}`);
      const times = await work(recipe, places, [], OPERATIONS);
      live.push(COUNT / ((times.get('time-random') ?? Number.NaN) / 1e9));
      const { requests, seconds } = await replayOnce([...rig, 'replay', '--json', capture]);
      replayed.push(requests / seconds);
    }
    bench.give(compared(`replay ${recipe.name} read-4k`, 'replayed : live', replayed, live));
  });
}

export async function replaySection(bench: Bench): Promise<void> {
  for (const recipe of SERVERS.filter((server) => bench.measures(server))) {
    const missing = recipe.missing();
    if (missing !== undefined) bench.give({ name: `replay ${recipe.name}`, missing });
    else await one(recipe, bench);
  }
}
