/**
 * record: throughput of a recorded server over the same server's unrecorded, and the same of one
 * under strace, which keeps the same bytes. One client, one request at a time: the hardest case,
 * since nothing happens while a call is held. And several clients at once (`read-4k-x4`).
 */
import { existsSync } from 'node:fs';
import { onPath } from '../../corpus/run.ts';
import { bindfs } from '../../corpus/servers/bindfs.ts';
import { fuseOverlayfs } from '../../corpus/servers/fuse_overlayfs.ts';
import { gocryptfs } from '../../corpus/servers/gocryptfs.ts';
import type { Recipe } from '../../corpus/servers/recipe.ts';
import { referencePassthrough } from '../../corpus/servers/reference.ts';
import { sshfs } from '../../corpus/servers/sshfs.ts';
import { type Bench, compared } from './measure.ts';
import { beside, fuseRig, type Places, withPlaces, work } from './servers.ts';

/** Those that do next to nothing for a request first, then those with work of their own. */
const SERVERS: readonly Recipe[] = [referencePassthrough, bindfs, fuseOverlayfs, gocryptfs, sshfs];

const CLIENTS = 4;
const EACH = 4000;

/** What is timed: the client's operation, and how many requests or bytes that is. */
const TIMED = [
  { name: 'read-4k', operation: 'time-random', count: 8000, unit: '/s' },
  { name: 'read-1m', operation: 'time-scan', count: 128, unit: 'MiB/s' },
  { name: 'create-stat-unlink', operation: 'time-names', count: 400, unit: '/s' },
  {
    name: `read-4k-x${CLIENTS}`,
    operation: 'time-random together',
    count: CLIENTS * EACH,
    unit: '/s',
  },
] as const;

const OPERATIONS = [
  'open w big WRONLY|CREAT|TRUNC',
  'fill w 1 16M 1M',
  'close w',
  'open r big RDONLY|DIRECT',
  'drain r 1M',
  `time-random r 4K ${TIMED[0].count} 1`,
  `time-scan r 1M ${TIMED[1].count}`,
  'close r',
  'mkdir names',
  `time-names names ${TIMED[2].count}`,
  'rmdir names',
];

/** Each client reads in an order of its own. */
const TOGETHER = Array.from({ length: CLIENTS }, (_, i) => [
  'open r big RDONLY|DIRECT',
  `time-random r 4K ${EACH} ${i + 1}`,
  'close r',
]);

const STRACE = 'strace -f -e trace=read,write,readv,writev,splice -s 65536 -o'.split(' ');

function prefixes(places: Places): Map<string, string[]> {
  const recorded = [...fuseRig(), 'record', '-q', '--force', '-o'];
  const found = new Map([
    ['unrecorded', []],
    ['recorded', [...recorded, beside(places, 'bench.fusecap'), '--']],
  ]);
  if (onPath('strace') !== undefined) found.set('strace', [...STRACE, beside(places, 'strace')]);
  return found;
}

async function one(recipe: Recipe, bench: Bench): Promise<void> {
  await withPlaces(recipe, async (places) => {
    const sides = prefixes(places);
    const rates = new Map<string, number[]>();
    for (let run = 0; run < bench.runs; run++) {
      // Interleaved: what disturbs the machine disturbs all sides.
      for (const [side, prefix] of sides) {
        bench.say(`record ${recipe.name} ${side} ${run + 1}/${bench.runs}`);
        const times = await work(recipe, places, prefix, OPERATIONS, TOGETHER);
        for (const { operation, count, name } of TIMED) {
          const rate = count / ((times.get(operation) ?? Number.NaN) / 1e9);
          const key = `${side} ${name}`;
          rates.set(key, [...(rates.get(key) ?? []), rate]);
        }
      }
    }
    for (const { name, unit } of TIMED) {
      const theirs = rates.get(`unrecorded ${name}`) ?? [];
      for (const side of ['recorded', 'strace']) {
        const ours = rates.get(`${side} ${name}`);
        const label = `record ${recipe.name} ${name} ${side === 'strace' ? '(strace)' : ''}`;
        if (ours === undefined) bench.give({ name: label, missing: `${side} is not installed` });
        else bench.give(compared(label.trim(), `${side} : unrecorded`, ours, theirs, unit));
      }
    }
  });
}

export async function recordSection(bench: Bench): Promise<void> {
  for (const recipe of SERVERS.filter((server) => bench.measures(server))) {
    const missing =
      recipe.missing() ?? (existsSync('/dev/fuse') ? undefined : 'there is no /dev/fuse');
    if (missing !== undefined) bench.give({ name: `record ${recipe.name}`, missing });
    else await one(recipe, bench);
  }
}
