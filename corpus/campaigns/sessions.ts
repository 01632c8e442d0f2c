/**
 * The "nothing leaks" campaign: `npm run campaign:sessions -- --sessions 1000`. One process replays one
 * capture again and again (start, INIT, some 100 requests, teardown), and what the process holds is
 * measured on the way. A command and a capture of its own: `--capture FILE -- SERVER ...`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { replay } from '../../replayer/replay.ts';
import { builtProgram, run } from '../run.ts';
import { startServer } from '../servers/live.ts';
import { Ground, RIG } from './ground.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

/** What a process holds. */
export interface Held {
  fds: number;
  mappings: number;
  threads: number;
  /** Kilobytes: resident, the part of it that no file backs, and JavaScript's heap. */
  rssK: number;
  anonK: number;
  heapK: number;
}

const count = (directory: string): number => readdirSync(directory).length;
const kilobytes = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);

/** After a collection: what nobody refers to any more does not count. */
export function measure(): Held {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) collect();
  const status = readFileSync('/proc/self/status', 'utf8');
  return {
    // Less the one that reads the directory.
    fds: count('/proc/self/fd') - 1,
    mappings: readFileSync('/proc/self/maps', 'utf8').split('\n').length - 1,
    threads: count('/proc/self/task'),
    rssK: kilobytes(status, 'VmRSS'),
    anonK: kilobytes(status, 'RssAnon'),
    heapK: Math.round(process.memoryUsage().heapUsed / 1024),
  };
}

/** What may be more in the later half of a campaign than in the earlier: heaps breathe, the rest does not. */
const MAPPINGS_MAX = 24;
const MEMORY_MAX_K = 16 << 10;
const HEAP_MAX_K = 2 << 10;
/** So many sessions until the heaps have found their size. */
const WARM = 100;

export interface Point {
  sessions: number;
  held: Held;
}

/**
 * What grew, one line each: the least of the later half of the points is more than the least of the
 * earlier. The least, since freed memory stays with the process for a while: what leaks never goes.
 */
export function leaks(points: readonly Point[]): string[] {
  const found: string[] = [];
  const half = points.length >> 1;
  const grew = (what: keyof Held, most: number) => {
    const least = (some: readonly Point[]) => Math.min(...some.map(({ held }) => held[what]));
    const [before, after] = [least(points.slice(0, half)), least(points.slice(half))];
    if (after - before > most) found.push(`${what}: ${before} -> ${after}`);
  };
  if (half === 0) return found;
  grew('fds', 0);
  grew('threads', 0);
  if ((points[0]?.sessions ?? 0) < WARM) return found;
  grew('mappings', MAPPINGS_MAX);
  grew('anonK', MEMORY_MAX_K);
  grew('heapK', HEAP_MAX_K);
  return found;
}

export interface Sessions {
  points: Point[];
  /** Requests over a ring, of all sessions. */
  overRing: number;
  requests: number;
  wrong: string[];
}

/** At these many sessions what is held is measured. */
function isPoint(n: number, all: number): boolean {
  const first = all < 2 * WARM ? 10 : WARM;
  return n === all || n === first || (n > first && n % Math.ceil(all / 10) === 0);
}

/** `judged`: what the replays find is wrong, too. */
export async function runSessions(
  capture: string,
  command: readonly string[],
  sessions: number,
  cpus: number,
  { told, judged = true }: { told?: (point: Point) => void; judged?: boolean } = {},
): Promise<Sessions> {
  const all: Sessions = { points: [], overRing: 0, requests: 0, wrong: [] };
  for (let n = 1; n <= sessions; n++) {
    const result = await replay(
      { capture, command, end: 'unmount', cpus },
      { progress: () => {}, stops: () => 0, started: () => {} },
    );
    all.overRing += result.ring.requests;
    all.requests += result.requests;
    const failed = judged ? result.findings.filter(({ verdict }) => verdict !== 'pass') : [];
    all.wrong.push(...failed.map(({ check, text }) => `session ${n}: ${check}: ${text}`));
    if (all.wrong.length > 10) break;
    if (!isPoint(n, sessions)) continue;
    const point = { sessions: n, held: measure() };
    all.points.push(point);
    told?.(point);
  }
  all.wrong.push(...leaks(all.points));
  return all;
}

/** A capture of the odd server on the device, of 100 requests or so. */
async function makeCapture(ground: Ground): Promise<string> {
  const capture = ground.file('sessions.fusecap');
  const odd = builtProgram('fuse-rig-odd-server') ?? 'fuse-rig-odd-server';
  const live = await startServer({
    command: [odd, 'plain', '{mountpoint}'],
    places: { mountpoint: ground.mountpoint, fixture: ground.source },
    prefix: [...RIG, 'record', '-q', '-o', capture, '--'],
  });
  const one = ['open f file RDONLY', 'drain f 4K', 'close f', 'stat none', 'stat .', 'stat file'];
  const work = Array.from({ length: 12 }, () => one).flat();
  await run(builtProgram('fuse-rig-client') ?? 'fuse-rig-client', [ground.mountpoint], {
    input: `${work.join('\n')}\n`,
  });
  await live.end();
  return capture;
}

const table = (n: number, held: Held): string =>
  [String(n).padStart(8), ...Object.entries(held).map(([k, v]) => `${k} ${v}`)].join('   ');

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      sessions: { type: 'string', default: '1000' },
      cpus: { type: 'string', default: '2' },
      capture: { type: 'string' },
    },
    allowPositionals: true,
  });
  const [sessions, cpus] = [Number(values.sessions), Number(values.cpus)];
  if (!Number.isSafeInteger(sessions) || sessions < 20 || !Number.isSafeInteger(cpus)) {
    process.stderr.write(
      'usage: --sessions N (20 or more) --cpus N [--capture FILE -- SERVER ...]\n',
    );
    process.exitCode = 2;
    return;
  }
  const ground = new Ground();
  try {
    const capture = values.capture ?? (await makeCapture(ground));
    const odd = [builtProgram('fuse-rig-odd-server') ?? '', 'ring', '{mountpoint}'];
    const command = positionals.length > 0 ? positionals : odd;
    say(`${sessions} sessions of ${command.join(' ')}, ${cpus} queues`);
    const told = ({ sessions: n, held }: Point) => say(table(n, held));
    const all = await runSessions(capture, command, sessions, cpus, { told });
    say(`${all.requests} requests, ${all.overRing} over the ring`);
    for (const line of all.wrong) say(`FAIL ${line}`);
    process.exitCode = all.wrong.length === 0 ? 0 : 1;
  } finally {
    await ground.remove();
  }
}

if (process.argv[1] !== undefined && /campaigns\/sessions\.js$/.test(process.argv[1])) await main();
