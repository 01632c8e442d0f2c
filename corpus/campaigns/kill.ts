/**
 * The "nothing lost" campaign: `npm run campaign:kill -- --runs 100 --seed 7 [--kind recorder]`, of
 * servers on the device, or with `--transport ring`.
 * Every moment has a seed of its own, so one failing moment is one command.
 */
import { parseArgs } from 'node:util';
import { allowRings } from '../servers/ring.ts';
import { TRANSPORTS } from './moment_servers.ts';
import { KINDS, type Kind, type Moment, oneMoment } from './moments.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

const reproduce = ({ kind, seed, transport }: Moment) =>
  `npm run campaign:kill -- --kind ${kind} --transport ${transport} --runs 1 --seed ${seed}`;

function summary(kind: Kind, moments: readonly Moment[]): string {
  const worst = (pick: (m: Moment) => number) => {
    const [most] = [...moments].sort((a, b) => pick(b) - pick(a));
    return most === undefined ? '0' : `${pick(most).toFixed(2)} s (seed ${most.seed})`;
  };
  const frames = moments.reduce((sum, m) => sum + m.frames, 0);
  const early = moments.filter((m) => m.early).length;
  const failed = moments.filter((m) => m.wrong.length > 0).length;
  return (
    `${kind.padEnd(9)} ${moments.length} kills  ${failed} failed  ${frames} frames kept  ` +
    `${early} before anything was there or after the end  ` +
    `clean within ${worst((m) => m.cleanS)}  clients free within ${worst((m) => m.clientS)}`
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      kind: { type: 'string', multiple: true },
      transport: { type: 'string', default: 'device' },
    },
  });
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  const kinds = KINDS.filter((kind) => values.kind?.includes(kind) ?? true);
  const transport = TRANSPORTS.find((one) => one === values.transport);
  const counts = Number.isSafeInteger(runs) && Number.isSafeInteger(seed);
  if (!counts || kinds.length === 0 || transport === undefined) {
    const [kind, how] = [KINDS.join('|'), TRANSPORTS.join('|')];
    process.stderr.write(`usage: --runs N --seed N --kind ${kind} --transport ${how}\n`);
    process.exitCode = 2;
    return;
  }
  const release = transport === 'ring' ? await allowRings() : undefined;
  say(`seed ${seed}  ${transport}  ${runs} moments each of: ${kinds.join(', ')}`);
  for (const kind of kinds) {
    const moments: Moment[] = [];
    for (let i = 0; i < runs; i++) {
      const moment = await oneMoment(kind, seed + i, transport);
      moments.push(moment);
      if (moment.wrong.length === 0) continue;
      for (const what of moment.wrong) say(`FAIL ${kind} seed ${moment.seed}: ${what}`);
      say(`reproduce   ${reproduce(moment)}`);
      process.exitCode = 1;
    }
    say(summary(kind, moments));
  }
  await release?.();
}

await main();
