/**
 * npm run fidelity [-- [-v] [--vm] WORD...]: asks the kernel and the model every probe (those with all words
 * in section or name), prints the score by section, and exits 0 only if both say the same, as the
 * probes claim it, but for what is explained.  `-v` shows what the kernel made of every
 * step; `--vm` asks a newer kernel in a virtual machine, and the model of that one;
 * `--timeouts` asks what takes a minute (section 1.16); `--servers` runs whole servers in front of both.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopwatch } from '../../rig/stopwatch.ts';
import { line } from './compare.ts';
import type { Transcript } from './driver.ts';
import { EXPLAINED, EXPLAINED_73, EXPLAINED_SERVERS, EXPLAINED_TIMEOUTS } from './explained.ts';
import { askBy, askKernel, askKernelLong, ringOffered } from './kernel_side.ts';
import { askModel } from './model_side.ts';
import { BLOCK, whyNoBlock } from './probes/block.ts';
import { PROBES } from './probes/index.ts';
import { TIMEOUT_SYSCTLS, TIMEOUTS } from './probes/timeouts.ts';
import { AGAIN, search } from './random/random.ts';
import { askServers } from './servers/servers.ts';
import type { Probe } from './step.ts';
import { judge, scores, titleOf, type Verdict } from './verdict.ts';
import { GUEST_DIR, machineIn, missingMachine } from './vm/machine.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function tell({ probe, found, reason }: Verdict): void {
  const title = titleOf(probe);
  if (reason !== undefined) say(`explained  ${title}: ${reason}`);
  else for (const text of found) say(`different  ${title}: ${text}`);
}

function tellScores(verdicts: readonly Verdict[]): boolean {
  const rows = scores(verdicts);
  const column = (n: number, what: string) => `${String(n).padStart(5)} ${what}`;
  for (const [section, { identical, explained, different }] of rows) {
    const columns = [column(identical, 'identical'), column(different, 'different')];
    if (explained > 0) columns.push(column(explained, 'explained'));
    say(`section ${section.padEnd(5)}${columns.join('')}`);
  }
  const sum = (of: 'identical' | 'explained' | 'different') =>
    [...rows.values()].reduce((total, row) => total + row[of], 0);
  const different = sum('different') + sum('explained');
  say(
    `${sum('identical')} identical, ${different} different${sum('explained') > 0 ? ` (${sum('explained')} explained)` : ''}`,
  );
  return sum('different') === 0 && verdicts.length > 0;
}

interface Asked {
  readonly kernel: Transcript[];
  readonly model: Transcript[];
  /** The kernel is the one that the probes speak of. */
  readonly claims: boolean;
}

async function askHere(probes: readonly Probe[], long: boolean): Promise<Asked> {
  const ring = ringOffered();
  say(`${probes.length} probes, Linux ${release()}, enable_uring=${ring ? 'Y' : 'N'}`);
  const kernel = await (long ? askKernelLong : askKernel)(probes);
  return { kernel, model: await askModel(probes, { ring, version: '6.18' }), claims: true };
}

/** The same in front of a newer kernel in a virtual machine, and of the model of that. */
async function askMachine(probes: readonly Probe[]): Promise<Asked | undefined> {
  const why = missingMachine();
  if (why !== undefined) {
    say(`no virtual machine here: ${why}`);
    return undefined;
  }
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-machine-'));
  try {
    const machine = await machineIn(dir);
    say(`${probes.length} probes, Linux ${machine.release} in a virtual machine, enable_uring=Y`);
    const kernel = await askBy(probes, GUEST_DIR, machine.command);
    return { kernel, model: await askModel(probes, { ring: true, version: '7.3' }), claims: false };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Whole servers in front of the kernel, recorded, and in front of the model. */
async function tellServers(words: readonly string[]): Promise<boolean> {
  const count = { identical: 0, different: 0, explained: 0, missing: 0 };
  for await (const { name, found, missing } of askServers(words)) {
    const reason = EXPLAINED_SERVERS.find(([names]) => names.test(name))?.[1];
    const kind = verdictOf(found.length > 0, missing, reason);
    count[kind]++;
    if (kind === 'missing') say(`not asked  ${name}: ${missing}`);
    else if (kind === 'explained') say(`explained  ${name}: ${reason}`);
    else if (kind === 'identical') say(`identical  ${name}`);
    for (const text of kind === 'different' ? found : []) say(`different  ${name}: ${text}`);
  }
  const { identical, different, explained, missing } = count;
  const rest = `${explained > 0 ? ` (${explained} explained)` : ''}, ${missing} not asked`;
  say(`${identical} identical, ${different + explained} different${rest}`);
  return different === 0 && identical > 0;
}

function verdictOf(differs: boolean, missing: string | undefined, reason: string | undefined) {
  if (missing !== undefined) return 'missing';
  if (!differs) return 'identical';
  return reason === undefined ? 'different' : 'explained';
}

/** The number behind a word; 0 if it is not there. */
const numberAfter = (args: readonly string[], word: string): number =>
  Number(args[args.indexOf(word) + 1] ?? 0) * (args.includes(word) ? 1 : 0);

async function random(args: readonly string[]): Promise<number> {
  const transport = args.includes('--transport') ? args[args.indexOf('--transport') + 1] : 'device';
  if (transport !== 'device' && transport !== 'ring') {
    say(`--transport ${transport}: device or ring`);
    return 2;
  }
  const count = numberAfter(args, '--random');
  const seed = numberAfter(args, '--seed') || randomInt(1, 1 << 30);
  say(`${count} random sequences on the ${transport}, seed ${seed}, Linux ${release()}`);
  const seconds = stopwatch();
  let made = 0;
  const found = await search({ transport, seed, count }, (done) => {
    made = done;
    const rate = done / seconds();
    say(`${done} done, ${rate.toFixed(0)} a second`);
  });
  for (const one of found) {
    say(`different: ${one.steps.join('; ')}\n${one.difference}`);
    say(`asked again alone: ${one.again} of ${AGAIN} times different`);
    say(`again: npm run fidelity -- --random 1 --transport ${transport} --seed ${one.seed}`);
  }
  say(`${made} sequences, ${found.length} different`);
  return found.length === 0 ? 0 : 1;
}

/** Those that need a block device, where there can be one. */
function blockProbes(vm: boolean): readonly Probe[] {
  const why = vm ? 'the virtual machine has no loop devices' : whyNoBlock();
  if (why === undefined) return BLOCK;
  say(`section 1.12b is not asked: ${why}`);
  return [];
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--servers')) {
    return (await tellServers(args.filter((arg) => arg !== '--servers'))) ? 0 : 1;
  }
  if (args.includes('--random')) return await random(args);
  const verbose = args.includes('-v');
  const long = args.includes('--timeouts');
  const vm = args.includes('--vm');
  const words = args.filter((arg) => !/^--?(v|vm|timeouts)$/.test(arg));
  const probes = (
    long ? [...TIMEOUTS, ...TIMEOUT_SYSCTLS] : [...PROBES, ...blockProbes(vm)]
  ).filter((probe) => words.every((word) => probe.section === word || probe.name.includes(word)));
  const asked = await (vm ? askMachine(probes) : askHere(probes, long));
  if (asked === undefined) return 1;
  const { kernel, model, claims } = asked;
  const verdicts = probes.map((probe, i) => {
    const [one, other] = [kernel[i], model[i]];
    if (one === undefined || other === undefined) throw new Error(`${titleOf(probe)}: no answer`);
    if (verbose)
      for (const outcome of one.outcomes) say(`    ${outcome.step}  ->  ${line(outcome)}`);
    return judge(
      probe,
      one,
      other,
      claims,
      long ? EXPLAINED_TIMEOUTS : claims ? EXPLAINED : EXPLAINED_73,
    );
  });
  for (const verdict of verdicts) tell(verdict);
  return tellScores(verdicts) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
