/**
 * `npm run corpus [OPTION...]`: `fuse-rig corpus run` over the whole corpus, three times with another
 * seed each, with the servers the test set-up brings; says how long it took.
 */
import { delimiter, dirname } from 'node:path';
import { execa } from 'execa';
import { stopwatch } from '../rig/stopwatch.ts';
import { RIG } from './campaigns/ground.ts';
import { libfuseProgram } from './servers/libfuse.ts';

const SEEDS = ['1', '2', '3'];
const PATH = [dirname(libfuseProgram('memfs_ll')), process.env.PATH].join(delimiter);

const elapsed = stopwatch();
const [node = '', ...rig] = RIG;
let worst = 0;
for (const seed of SEEDS) {
  const words = ['corpus', 'run', ...process.argv.slice(2), '--seed', seed];
  const options = { env: { PATH }, stdio: 'inherit', reject: false } as const;
  const { exitCode = 4 } = await execa(node, [...rig, ...words], options);
  worst ||= exitCode;
  if (exitCode !== 0) process.stdout.write(`seed ${seed}: exit ${exitCode}\n`);
}
const seconds = elapsed();
process.stdout.write(`${SEEDS.length} seeds in ${seconds.toFixed(1)} s\n`);
process.exitCode = worst;
