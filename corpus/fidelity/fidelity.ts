/**
 * npm run fidelity [-- [-v] WORD...]: asks the kernel and the model every probe (those with all words
 * in section or name), prints the score by section, and exits 0 only if both say the same, as the
 * probes claim it, but for what is explained. `-v` shows what the kernel made of every step.
 */
import { randomInt } from 'node:crypto';
import { release } from 'node:os';
import { line } from './compare.ts';
import { askKernel, ringOffered } from './kernel_side.ts';
import { askModel } from './model_side.ts';
import { PROBES } from './probes/index.ts';
import { search } from './random/random.ts';
import { judge, scores, titleOf, type Verdict } from './verdict.ts';

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
  const found = await search({ transport, seed, count }, (done) => say(`${done} done`));
  for (const one of found) {
    say(`different: ${one.steps.join('; ')}\n${one.difference}`);
    say(`again: npm run fidelity -- --random 1 --transport ${transport} --seed ${one.seed}`);
  }
  say(`${count} sequences, ${found.length} different`);
  return found.length === 0 ? 0 : 1;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--random')) return await random(args);
  const verbose = args.includes('-v');
  const words = args.filter((arg) => arg !== '-v');
  const probes = PROBES.filter((probe) =>
    words.every((word) => probe.section === word || probe.name.includes(word)),
  );
  say(`${probes.length} probes, Linux ${release()}, enable_uring=${ringOffered() ? 'Y' : 'N'}`);
  const kernel = await askKernel(probes);
  const model = await askModel(probes, ringOffered());
  const verdicts = probes.map((probe, i) => {
    const [one, other] = [kernel[i], model[i]];
    if (one === undefined || other === undefined) throw new Error(`${titleOf(probe)}: no answer`);
    if (verbose)
      for (const outcome of one.outcomes) say(`    ${outcome.step}  ->  ${line(outcome)}`);
    return judge(probe, one, other);
  });
  for (const verdict of verdicts) tell(verdict);
  return tellScores(verdicts) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
