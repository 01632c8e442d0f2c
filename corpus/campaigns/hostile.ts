/**
 * Replays of spoiled captures, by seed: `npm run campaign:hostile -- --runs 1000 --seed 7`, into a server
 * on the device, or with `--transport ring`.
 */
import { parseArgs } from 'node:util';
import { TRANSPORTS } from './moment_servers.ts';
import { replaySpoiled } from './spoiled.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      transport: { type: 'string', default: 'device' },
    },
  });
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  const transport = TRANSPORTS.find((one) => one === values.transport);
  if (!Number.isSafeInteger(runs) || !Number.isSafeInteger(seed) || transport === undefined) {
    process.stderr.write(`usage: --runs N --seed N --transport ${TRANSPORTS.join('|')}\n`);
    process.exitCode = 2;
    return;
  }
  say(`seed ${seed}  ${transport}  ${runs} spoiled captures`);
  const codes = new Map<number | null, number>();
  for (let i = 0; i < runs; i++) {
    const { wrong, mutations, code } = await replaySpoiled(seed + i, transport);
    if ((i + 1) % 100 === 0) say(`${i + 1} replayed`);
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if (wrong.length === 0) continue;
    say(`FAIL seed ${seed + i} (${mutations.join(', ')}): ${wrong.join('; ')}`);
    say(
      `reproduce   npm run campaign:hostile -- --transport ${transport} --runs 1 --seed ${seed + i}`,
    );
    process.exitCode = 1;
  }
  const counts = [...codes].map(([code, n]) => `exit ${code}: ${n}`).sort();
  say(`${runs} replays  ${counts.join('  ')}`);
}

await main();
