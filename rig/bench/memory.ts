/**
 * memory: the largest resident memory of record, replay and show, for a capture of 10^4 requests and
 * for one of 10^6. Flat means: the second is no larger.
 */
import { run } from '../../corpus/run.ts';
import { startServer } from '../../corpus/servers/live.ts';
import { referenceMemory } from '../../corpus/servers/reference.ts';
import type { Bench } from './measure.ts';
import { beside, client, fuseRig, type Places, withPlaces } from './servers.ts';

const COUNTS = [10_000, 1_000_000];

/** Has Node say at its end what it took at most, KiB; in every thread, the last word counts. */
const SAYS = `process.on('exit', () => process.stderr.write('maxrss=' + process.resourceUsage().maxRSS + '\\n'))`;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(SAYS)}`;

const peakMiB = (stderr: string): number =>
  Number([...stderr.matchAll(/^maxrss=(\d+)$/gm)].at(-1)?.[1] ?? Number.NaN) / 1024;

async function recorded(places: Places, count: number, capture: string): Promise<number> {
  const server = await startServer({
    command: referenceMemory.variants[0].command,
    places,
    prefix: [
      ...['env', `NODE_OPTIONS=${NODE_OPTIONS}`, ...fuseRig()],
      ...['record', '-q', '--force', '-o', capture, '--', 'env', '-u', 'NODE_OPTIONS'],
    ],
  });
  // Reads of one byte: a million of them stays a small file. (Of an empty one none would be asked.)
  const reads = [
    'open w small WRONLY|CREAT',
    'put w x',
    'close w',
    'open r small RDONLY|DIRECT',
    `time-random r 4K ${count} 1`,
    'close r',
  ];
  const work = client(places.mountpoint, reads, 600);
  await work.catch(() => undefined);
  const { output } = await server.end();
  await work;
  const requests = Number(/ (\d+) requests /.exec(output)?.[1]);
  if (!(requests > count)) throw new Error(`recorded ${requests} requests of ${count}: ${output}`);
  return peakMiB(output);
}

async function running(command: string, capture: string): Promise<number> {
  const [program = '', ...args] = [...fuseRig(), command, capture];
  // show writes a line a request: nobody keeps it.
  const shell = ['-c', `"$@"${command === 'show' ? ' > /dev/null' : ''}`, 'sh', program, ...args];
  const ran = await run('sh', shell, { env: { NODE_OPTIONS }, timeoutS: 900 });
  if (ran.code !== 0) {
    throw new Error(`${command} ended with ${ran.code}: ${ran.stdout.slice(0, 1000)}${ran.stderr}`);
  }
  return peakMiB(ran.stderr);
}

export async function memorySection(bench: Bench): Promise<void> {
  const missing = referenceMemory.missing();
  if (missing !== undefined) {
    bench.give({ name: 'memory', missing });
    return;
  }
  await withPlaces(referenceMemory, async (places) => {
    for (const count of COUNTS) {
      const capture = beside(places, 'bench.fusecap');
      const about = { unit: 'MiB', sides: `${count} requests`, runs: 1, spread: 0 };
      bench.say(`memory record ${count}`);
      const name = `memory 10^${Math.log10(count)}`;
      bench.give({
        name: `${name} record`,
        ours: await recorded(places, count, capture),
        ...about,
      });
      for (const command of ['replay', 'show']) {
        bench.say(`memory ${command} ${count}`);
        bench.give({ name: `${name} ${command}`, ours: await running(command, capture), ...about });
      }
    }
  });
}
