/**
 * ring: FUSE over io_uring at depth 8, on libfuse's passthrough_hp. Small reads and 1 MiB transfers, in
 * replay over the live mount, with and without poison; recorded over unrecorded, and strace's.
 */
import { onPath } from '../../corpus/run.ts';
import { libfusePassthroughHp } from '../../corpus/servers/libfuse_passthrough_hp.ts';
import { startVariant } from '../../corpus/servers/live.ts';
import { allowRings, missingRingKernel } from '../../corpus/servers/ring.ts';
import { type Bench, compared } from './measure.ts';
import { replayOnce } from './replay.ts';
import { beside, client, fuseRig, type Places, withPlaces } from './servers.ts';

const DEPTH = 8;

interface Load {
  name: string;
  /** What each of the clients does, once the file is there. */
  operations: readonly string[];
  timed: string;
  /** Requests or MiB of one client. */
  count: number;
  unit: string;
}

const SMALL = 4000;
const BIG = 48;
const FILE = ['open w big WRONLY|CREAT|TRUNC', 'fill w 1 8M 1M', 'close w'];
const LOADS: readonly Load[] = [
  {
    name: 'read-512',
    operations: ['open r big RDONLY|DIRECT', `time-random r 512 ${SMALL} 1`, 'close r'],
    timed: 'time-random',
    count: SMALL,
    unit: '/s',
  },
  {
    name: 'read-1m',
    operations: ['open r big RDONLY|DIRECT', `time-scan r 1M ${BIG}`, 'close r'],
    timed: 'time-scan',
    count: BIG,
    unit: 'MiB/s',
  },
  {
    name: 'write-1m',
    operations: ['open w big WRONLY|DIRECT', `time-fill w 1M ${BIG}`, 'close w'],
    timed: 'time-fill',
    count: BIG,
    unit: 'MiB/s',
  },
];

const STRACE = 'strace -f -e trace=read,write,readv,writev,splice,io_uring_enter -s 65536 -o';

/** The rate of all clients together, with `prefix` in front of the server. */
async function rate(places: Places, prefix: readonly string[], load: Load): Promise<number> {
  const server = await startVariant(libfusePassthroughHp.variants[0], places, prefix);
  try {
    await client(places.mountpoint, FILE);
    const clients = Array.from({ length: DEPTH }, () => client(places.mountpoint, load.operations));
    const times = await Promise.all(clients);
    const slowest = Math.max(...times.map((t) => t.get(load.timed) ?? Number.NaN));
    return (DEPTH * load.count) / (slowest / 1e9);
  } finally {
    const { leftovers } = await server.end();
    if (leftovers.length > 0) process.stderr.write(`left behind: ${leftovers.join(', ')}\n`);
  }
}

const POISON = ['off', 'used', 'full'] as const;

async function one(load: Load, places: Places, bench: Bench): Promise<void> {
  const rig = fuseRig();
  const capture = beside(places, 'bench.fusecap');
  const record = [...rig, 'record', '-q', '--force', '-o', capture];
  const strace =
    onPath('strace') === undefined ? [] : [...STRACE.split(' '), beside(places, 'strace')];
  bench.say(`ring ${load.name}: recording`);
  await rate(places, [...record, '--fixture', places.fixture, '--'], load);
  const rates = new Map<string, number[]>();
  const add = (side: string, value: number) => rates.set(side, [...(rates.get(side) ?? []), value]);
  const other = beside(places, 'again.fusecap');
  const again = [...rig, 'record', '-q', '--force', '-o', other, '--'];
  for (let turn = 1; turn <= bench.runs; turn++) {
    bench.say(`ring ${load.name} ${turn}/${bench.runs}`);
    add('live', await rate(places, [], load));
    add('recorded', await rate(places, again, load));
    if (strace.length > 0) add('strace', await rate(places, strace, load));
    for (const poison of POISON) {
      const ran = await replayOnce([...rig, 'replay', '--json', '--poison', poison, capture]);
      // All but the few requests around the load are of its size.
      const done = load.unit === '/s' ? ran.requests : DEPTH * load.count;
      add(`replayed, poison ${poison}`, done / ran.seconds);
    }
  }
  const live = rates.get('live') ?? [];
  for (const [side, ours] of rates) {
    if (side === 'live') continue;
    bench.give(compared(`ring ${load.name} ${side}`, `${side} : live`, ours, live, load.unit));
  }
}

export async function ringSection(bench: Bench): Promise<void> {
  const missing = missingRingKernel() ?? libfusePassthroughHp.missing();
  if (missing !== undefined) {
    bench.give({ name: 'ring', missing });
    return;
  }
  const release = await allowRings();
  try {
    for (const load of LOADS) await withPlaces(libfusePassthroughHp, (p) => one(load, p, bench));
  } finally {
    await release();
  }
}
