/** Replays of spoiled captures, by seed: `npm run campaign:hostile -- --runs 1000 --seed 7`. */
import { parseArgs } from 'node:util';
import { replaySpoiled } from './spoiled.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  if (!Number.isSafeInteger(runs) || !Number.isSafeInteger(seed)) {
    process.stderr.write('usage: --runs N --seed N\n');
    process.exitCode = 2;
    return;
  }
  say(`seed ${seed}  ${runs} spoiled captures`);
  const codes = new Map<number | null, number>();
  for (let i = 0; i < runs; i++) {
    const { wrong, mutations, code } = await replaySpoiled(seed + i);
    if ((i + 1) % 100 === 0) say(`${i + 1} replayed`);
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if (wrong.length === 0) continue;
    say(`FAIL seed ${seed + i} (${mutations.join(', ')}): ${wrong.join('; ')}`);
    say(`reproduce   npm run campaign:hostile -- --runs 1 --seed ${seed + i}`);
    process.exitCode = 1;
  }
  const counts = [...codes].map(([code, n]) => `exit ${code}: ${n}`).sort();
  say(`${runs} replays  ${counts.join('  ')}`);
}

await main();
