/** Plays a small capture to the reference server under a plan, in this process. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { nativePath } from '../../native/load.ts';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import type { ReplayOptions, ReplayResult } from '../../replayer/options.ts';
import { replay } from '../../replayer/replay.ts';
import type { InjectedEvent, SessionEvent } from '../../rig/events.ts';
import { PlanDecider } from '../decider.ts';
import { parseRule } from '../parse.ts';

const SERVER = nativePath('fuse-rig-server');
const DEMO = fileURLToPath(new URL('../../corpus/demo/demo.fusecap', import.meta.url));
const DISABLED = '/proc/sys/kernel/io_uring_disabled';

export interface Played extends ReplayResult {
  lines: string[];
  events: SessionEvent[];
  injected: InjectedEvent[];
  /** Checks that failed or could not be made, as `check: text`. */
  against: string[];
}

/** Options of the server, by what it is used for. {dir} is an empty directory of this run's own. */
export const SERVERS = {
  device: ['--fs', 'memory'],
  nonblock: ['--fs', 'memory', '--nonblock'],
  clones: ['--fs', 'memory', '--threads', '2', '--clone'],
  splice: ['--fs', 'memory', '--io', 'splice', '--reply', 'splice'],
  backing: ['--fs', 'passthrough={dir}', '--passthrough-io'],
  daemon: ['--fs', 'memory', '--daemon'],
  ring: ['--fs', 'memory', '--transport', 'ring'],
  deaf: ['--fs', 'memory', '--ignore-sigterm'],
} as const;
export type ServerName = keyof typeof SERVERS;

export async function play(
  rules: readonly string[],
  server: ServerName = 'device',
  more: Partial<ReplayOptions> = {},
): Promise<Played> {
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-play-'));
  const keep = join(dir, 'run.fusecap');
  const files = join(dir, 'files');
  const lines: string[] = [];
  const words = SERVERS[server].map((word) => word.replace('{dir}', files));
  const transport = server === 'ring' ? 'any' : 'device';
  const options: ReplayOptions = {
    ...{ capture: DEMO, command: [SERVER, ...words, '{mountpoint}'], end: 'unmount' },
    ...{ transport, cpus: 2, poison: 'full', faults: rules, keep },
    logLine: (line) => lines.push(line),
    ...more,
  };
  const hooks = { progress: () => {}, stops: () => 0, started: () => {} };
  try {
    if (server === 'backing') mkdirSync(files);
    const result = await replay(options, hooks, new PlanDecider(rules.map(parseRule)));
    const events = existsSync(keep) ? eventsOf(keep) : [];
    const injected = events.filter((event) => event.kind === 'injected');
    const against = result.findings
      .filter(({ verdict }) => verdict !== 'pass')
      .map(({ check, text }) => `${check}: ${text}`);
    return { ...result, lines, events, injected, against };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function eventsOf(path: string): SessionEvent[] {
  const reader = CaptureReader.open(path);
  const events = [...reader.events()];
  reader.close();
  return events;
}

/** Rings are the real kernel's. */
export function needsRings(context: TestContext): void {
  const disabled = existsSync(DISABLED) ? readFileSync(DISABLED, 'utf8').trim() : '0';
  context.skip(disabled !== '0', `kernel.io_uring_disabled is ${disabled}`);
}
