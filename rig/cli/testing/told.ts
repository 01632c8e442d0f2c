/** What `fuse-rig live` tells of a run, as it is typed. */
import type { Finding } from '../../checks/finding.ts';
import { type Place, SERVER } from './place.ts';

export interface Told {
  code: number | undefined;
  stderr: string;
  plan: { rule: string; fired: number; first?: { at: string; queue: number; entry: number } }[];
  /** `check: text` of every finding that is no pass, and of those that are. */
  failed: string[];
  passed: string[];
  notes: string[];
  ring: { queues: number; depth: number; requests: number };
  ended: string;
  workload: string;
  exit: { code: number | null; signal: number | null } | null;
  replay?: string;
}

/** Reads, then writes, then looks; a client that fails goes on. */
export const WORK =
  'cat {mountpoint}/a {mountpoint}/file; echo b > {mountpoint}/b; ls {mountpoint}; stat {mountpoint}/a';

/** `words`: options; `server`: its command, without the mountpoint. */
export async function live(
  place: Place,
  rules: readonly string[],
  words: readonly string[] = ['--workload', WORK],
  server: readonly string[] = [SERVER, '--fs', `passthrough=${place.source}`],
): Promise<Told> {
  const faults = rules.flatMap((rule) => ['--fault', rule]);
  const args = ['live', '--json', '--no-stacks', ...faults, ...words];
  const ran = await place.type([...args, '--', ...server, place.mountpoint], { limit: 90 });
  let said: Partial<Told> & { findings?: Finding[] } = {};
  try {
    said = JSON.parse(ran.stdout.split('\n').findLast((line) => line.startsWith('{')) ?? '{}');
  } catch {
    // The exit code and stderr say it.
  }
  const { findings = [], plan = [], notes = [], workload = '', ended = '', exit = null } = said;
  const lines = (passes: boolean) =>
    findings
      .filter(({ verdict }) => (verdict === 'pass') === passes)
      .map(({ check, text }) => `${check}: ${text}`);
  return {
    ...{ code: ran.exitCode, stderr: ran.stderr, plan, notes, ended, workload, exit },
    ...(said.replay === undefined ? {} : { replay: said.replay }),
    ring: said.ring ?? { queues: 0, depth: 0, requests: 0 },
    failed: lines(false),
    passed: lines(true),
  };
}
