/**
 * The same capture, plan and seed, again and again: the canonical logs must be the same, byte for byte.
 * `npm run campaign:determinism -- --runs 100 [--case NAME] [--load]`; `--load` keeps all CPUs busy.
 */
import { availableParallelism } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { firstDifferentLine } from '../../rig/report/log_difference.ts';
import { libfuseProgram } from '../servers/libfuse.ts';
import { loadCase, PLANS, playOnce } from './same_again.ts';

const CASES = [
  ...['reference-memory-brief', 'reference-passthrough-brief', 'bindfs-brief', 'gocryptfs-brief'],
  ...['reference-memory-ring-brief', 'reference-passthrough-ring-brief'],
  'libfuse-passthrough_hp-ring-brief',
];

const say = (line: string) => process.stdout.write(`${line}\n`);

/** Programs that compute, one a CPU; they are ended by their pids. */
function load(): () => void {
  const busy = Array.from({ length: availableParallelism() }, () =>
    execa('/bin/sh', ['-c', 'while :; do :; done'], { reject: false }),
  );
  return () => {
    for (const one of busy) one.kill('SIGKILL');
  };
}

/** Returns how many runs were not as the first. */
async function sameAgain(name: string, faults: readonly string[], runs: number): Promise<number> {
  const one = loadCase(name);
  if (typeof one === 'string') {
    say(`SKIP ${name}: ${one}`);
    return 0;
  }
  const first = await playOnce(one, faults);
  let differ = 0;
  for (let run = 2; run <= runs; run++) {
    const { log, lines } = await playOnce(one, faults);
    if (log === first.log) continue;
    const where = firstDifferentLine(first.lines, lines);
    if (differ++ === 0)
      say(`  run ${run}, line ${where?.line}: ${where?.first}  |  ${where?.second}`);
  }
  const plan = faults.length === 0 ? 'no fault' : faults.join(' ');
  const fired = first.fired ? '' : '  (never fired)';
  say(
    `${differ === 0 ? 'same' : 'FAIL'} ${name}  ${plan}  ${runs} runs  ${differ} differ  log ${first.log}${fired}`,
  );
  return differ;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '100' },
      case: { type: 'string', multiple: true, default: CASES },
      load: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isSafeInteger(runs) || runs < 2) {
    process.stderr.write('usage: --runs N --case NAME --load\n');
    process.exitCode = 2;
    return;
  }
  process.env.PATH = [dirname(libfuseProgram('passthrough_hp')), process.env.PATH].join(delimiter);
  const end = values.load ? load() : () => {};
  let differ = 0;
  try {
    for (const name of values.case) {
      for (const faults of PLANS[name.includes('-ring') ? 'ring' : 'device']) {
        differ += await sameAgain(name, faults, runs);
      }
    }
  } finally {
    end();
  }
  say(`${differ} runs differ${values.load ? ', all CPUs busy' : ''}`);
  process.exitCode = differ === 0 ? 0 : 1;
}

await main();
