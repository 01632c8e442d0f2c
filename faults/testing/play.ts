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
import { askTogether } from './together.ts';

const SERVER = nativePath('fuse-rig-server');
const DEMO = fileURLToPath(new URL('../../corpus/demo/demo.fusecap', import.meta.url));
/** Ten files listed, one read, two written and read back, in a directory of the reference server. */
export const FILES = fileURLToPath(new URL('files.fusecap', import.meta.url));
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
  files: ['--fs', 'passthrough={fixture}'],
  handed: ['--fs', 'passthrough={fixture}', '--passthrough-io'],
  together: ['--fs', 'passthrough={fixture}', '--threads', '4'],
  ring: ['--fs', 'memory', '--transport', 'ring'],
  fixed: ['--fs', 'memory', '--transport', 'ring', '--ring-fixed-file'],
  pinned: ['--fs', 'memory', '--transport', 'ring', '--ring-required', '--ring-pin'],
  deaf: ['--fs', 'memory', '--ignore-sigterm'],
} as const;
export type ServerName = keyof typeof SERVERS;

const OF_FILES: readonly ServerName[] = ['files', 'handed', 'together'];
export const isRing = (server: ServerName): boolean => ['ring', 'fixed', 'pinned'].includes(server);

/** Words before a server that shall have no right to lock what memory it likes. */
const LOCKS_LITTLE = ['setpriv', '--bounding-set', '-ipc_lock'];
const wordsBefore = (server: ServerName): string[] =>
  server === 'pinned' && process.geteuid?.() === 0 ? LOCKS_LITTLE : [];

export async function play(
  rules: readonly string[],
  server: ServerName = 'device',
  more: Partial<ReplayOptions> & { bug?: string } = {},
): Promise<Played> {
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-play-'));
  const keep = join(dir, 'run.fusecap');
  const files = join(dir, 'files');
  const lines: string[] = [];
  const words = SERVERS[server].map((word) => word.replace('{dir}', files));
  if (more.bug !== undefined) words.push('--bug', more.bug);
  const transport = isRing(server) ? 'any' : 'device';
  const command = [...wordsBefore(server), SERVER, ...words, '{mountpoint}'];
  const capture = OF_FILES.includes(server) ? FILES : DEMO;
  if (server === 'together') askTogether(capture, join(dir, 'together.fusecap'));
  const options: ReplayOptions = {
    ...{ capture: server === 'together' ? join(dir, 'together.fusecap') : capture, command },
    end: 'unmount',
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
