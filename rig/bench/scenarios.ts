/**
 * scenarios: whole runs a second: the server is started, answers INIT and 20 requests, its connection is
 * aborted, and it is judged. Beside it the same with a real mount, a client, fusectl and a watchdog of
 * a second: of a server that ends, and of one that hangs.
 */
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { run } from '../../corpus/run.ts';
import { abortConnection, startServer } from '../../corpus/servers/live.ts';
import { stopwatch } from '../stopwatch.ts';
import { built, cannotRecord, Bench as Ground } from '../testing/bench.ts';
import { type Bench, compared, median, spreadOf } from './measure.ts';

const PLAYER = fileURLToPath(new URL('./scenario_player.js', import.meta.url));
const COUNT = 100;
const LIVE_COUNT = 5;
const WATCHDOG_S = 1;
/** 20 requests and a few more, so that the last one is there. */
const WORK = Array.from({ length: 6 }, () => [
  'open f file RDONLY',
  'drain f 4K',
  'close f',
]).flat();

const MODES = { ends: 'plain', hangs: 'hang' } as const;

interface Played {
  seconds: number;
  toVerdictMs: number[];
  toProofMs: number[];
}

async function player(ground: Ground, mode: string, count: number): Promise<Played> {
  const command = [built('fuse-rig-odd-server'), mode, '{mountpoint}'];
  const args = [PLAYER, ground.capture, String(count), ...command];
  const { stdout, stderr } = await run(process.execPath, args, { timeoutS: 300 });
  if (stdout === '') throw new Error(`scenarios: ${stderr}`);
  return JSON.parse(stdout) as Played;
}

/** A process a CPU, at the same time. */
async function played(ground: Ground, mode: string): Promise<{ rate: number; all: Played[] }> {
  const all = await Promise.all(cpus().map(() => player(ground, mode, COUNT)));
  return { rate: all.reduce((sum, { seconds }) => sum + COUNT / seconds, 0), all };
}

/** The same on a real mount: scenarios a second, one after the other. */
async function mounted(ground: Ground, mode: string): Promise<number> {
  const seconds = stopwatch();
  for (let n = 0; n < LIVE_COUNT; n++) {
    const server = await startServer({
      command: [built('fuse-rig-odd-server'), mode, '{mountpoint}'],
      places: ground.places,
    });
    await ground.client(WORK.slice(0, 15));
    abortConnection(server.dev);
    // The watchdog: who has not ended in a second hangs, and is killed.
    const ended = server.end();
    const timer = new AbortController();
    const watchdog = async () => {
      await run('sleep', [String(WATCHDOG_S)], { timeoutS: 10 });
      if (!timer.signal.aborted) process.kill(server.pid, 'SIGKILL');
    };
    const barking = mode === MODES.hangs ? watchdog() : undefined;
    await ended;
    timer.abort();
    await barking;
  }
  return LIVE_COUNT / seconds();
}

async function measured(bench: Bench, ground: Ground, what: keyof typeof MODES): Promise<void> {
  const mode = MODES[what];
  const [ours, theirs, verdicts, proofs]: number[][] = [[], [], [], []];
  for (let turn = 1; turn <= bench.runs; turn++) {
    bench.say(`scenarios ${what} ${turn}/${bench.runs}`);
    const { rate, all } = await played(ground, mode);
    ours?.push(rate);
    theirs?.push(await mounted(ground, mode));
    verdicts?.push(...all.flatMap(({ toVerdictMs }) => toVerdictMs));
    proofs?.push(...all.flatMap(({ toProofMs }) => toProofMs));
  }
  bench.give(
    compared(`scenarios a server that ${what}`, 'replayed : live', ours ?? [], theirs ?? []),
  );
  const sides = [
    [verdicts ?? [], 'from proof to verdict'],
    [proofs ?? [], 'from the last call to the proof'],
  ] as const;
  for (const [values, name] of what === 'hangs' ? sides : []) {
    const [ms, spread] = [median(values), spreadOf(values)];
    const name_ = `scenarios ${name}`;
    bench.give({ name: name_, ours: ms, unit: 'ms', sides: 'median', runs: values.length, spread });
  }
}

export async function scenariosSection(bench: Bench): Promise<void> {
  const missing = cannotRecord();
  if (missing !== undefined) {
    bench.give({ name: 'scenarios', missing });
    return;
  }
  const ground = new Ground();
  try {
    await ground.record([built('fuse-rig-odd-server'), 'plain', '{mountpoint}'], WORK);
    for (const what of ['ends', 'hangs'] as const) await measured(bench, ground, what);
  } finally {
    ground.remove();
  }
}
