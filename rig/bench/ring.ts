/**
 * ring: FUSE over io_uring on libfuse's passthrough_hp, queues of depth 8, eight clients at once. Small
 * reads and 1 MiB transfers: replayed with each extent of poison, recorded, and under strace, over the live
 * mount. The server opens files with FOPEN_DIRECT_IO: every read of a client is a request, and the data
 * comes from the page cache of the file below, not from its disk.
 */
import { onPath } from '../../corpus/run.ts';
import { libfusePassthroughHp } from '../../corpus/servers/libfuse_passthrough_hp.ts';
import { startVariant } from '../../corpus/servers/live.ts';
import type { Variant } from '../../corpus/servers/recipe.ts';
import { allowRings, missingRingKernel } from '../../corpus/servers/ring.ts';
import { type Bench, compared } from './measure.ts';
import { replayOnce } from './replay.ts';
import { beside, client, fuseRig, type Places, withPlaces } from './servers.ts';

/** Clients at once; libfuse's queues have as many entries. */
const DEPTH = 8;

interface Load {
  name: string;
  /** What each of the clients does, `count` times. */
  operations(count: number): string[];
  timed: string;
  /** Requests of one client; MiB where `unit` says so. */
  count: number;
  /** The same for sides that are slower by orders of magnitude. */
  few: number;
  unit: '/s' | 'MiB/s';
}

const FILE = ['open w big WRONLY|CREAT|TRUNC', 'fill w 1 8M 1M', 'close w'];
const LOADS: readonly Load[] = [
  {
    name: 'read-512',
    operations: (count) => ['open r big RDONLY', `time-random r 512 ${count} 1`, 'close r'],
    timed: 'time-random',
    count: 12_500,
    few: 250,
    unit: '/s',
  },
  {
    name: 'read-1m',
    operations: (count) => ['open r big RDONLY', `time-scan r 1M ${count}`, 'close r'],
    timed: 'time-scan',
    count: 64,
    few: 16,
    unit: 'MiB/s',
  },
  {
    name: 'write-1m',
    operations: (count) => ['open w big WRONLY', `time-fill w 1M ${count}`, 'close w'],
    timed: 'time-fill',
    count: 64,
    few: 16,
    unit: 'MiB/s',
  },
];

const STRACE = 'strace -f -e trace=read,write,readv,writev,splice,io_uring_enter -s 65536 -o';

function directVariant(): Variant {
  const [plain] = libfusePassthroughHp.variants;
  const [program = '', ...words] = plain.command;
  return { ...plain, name: 'direct', command: [program, '--direct-io', ...words] };
}

/** The rate of all clients together, with `prefix` in front of the server. */
async function rate(places: Places, prefix: readonly string[], load: Load, count: number) {
  const server = await startVariant(directVariant(), places, prefix);
  try {
    await client(places.mountpoint, FILE);
    const operations = load.operations(count);
    const clients = Array.from({ length: DEPTH }, () => client(places.mountpoint, operations));
    const times = await Promise.all(clients);
    const slowest = Math.max(...times.map((t) => t.get(load.timed) ?? Number.NaN));
    return (DEPTH * count) / (slowest / 1e9);
  } finally {
    const { leftovers } = await server.end();
    if (leftovers.length > 0) process.stderr.write(`left behind: ${leftovers.join(', ')}\n`);
  }
}

/** The rate of a replay of what `count` operations of each client came to. */
async function replayRate(capture: string, poison: string, load: Load, count: number) {
  const ran = await replayOnce([...fuseRig(), 'replay', '--json', '--poison', poison, capture]);
  // All but the few requests around the load are of its size.
  return (load.unit === '/s' ? ran.requests : DEPTH * count) / ran.seconds;
}

/** Every side once; `add` takes its rate. */
async function turn(
  load: Load,
  places: Places,
  captures: { all: string; few: string },
  add: (side: string, rate: number) => void,
): Promise<void> {
  const other = beside(places, 'again.fusecap');
  const record = [...fuseRig(), 'record', '-q', '--force', '-o', other, '--'];
  add('live', await rate(places, [], load, load.count));
  for (const poison of ['off', 'used']) {
    const side = `replayed, poison ${poison}`;
    add(side, await replayRate(captures.all, poison, load, load.count));
  }
  // Writes and reads the whole of libfuse's 4 MiB buffers for every request.
  add('replayed, poison full', await replayRate(captures.few, 'full', load, load.few));
  add('recorded', await rate(places, record, load, load.count));
  if (onPath('strace') === undefined) return;
  const strace = [...STRACE.split(' '), beside(places, 'strace')];
  add('strace', await rate(places, strace, load, load.few));
}

async function one(load: Load, places: Places, bench: Bench): Promise<void> {
  const captures = { all: beside(places, 'all.fusecap'), few: beside(places, 'few.fusecap') };
  for (const [into, count] of [
    [captures.all, load.count],
    [captures.few, load.few],
  ] as const) {
    bench.say(`ring ${load.name}: recording`);
    const record = [...fuseRig(), 'record', '-q', '--force', '-o', into];
    await rate(places, [...record, '--fixture', places.fixture, '--'], load, count);
  }
  const rates = new Map<string, number[]>();
  const add = (side: string, value: number): void => {
    rates.set(side, [...(rates.get(side) ?? []), value]);
    bench.say(`ring ${load.name} ${rates.get(side)?.length}/${bench.runs} ${side}`);
  };
  for (let n = 1; n <= bench.runs; n++) await turn(load, places, captures, add);
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
