/** One run of `fuse-rig live` as it is typed, on ground of its own, and what it left there. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finding } from '../../rig/checks/finding.ts';
import { Ground, RIG } from '../campaigns/ground.ts';
import { builtProgram, run } from '../run.ts';
import { libfuseProgram } from '../servers/libfuse.ts';

export interface LiveRun {
  /** With `{fixture}` and `{mountpoint}`. */
  command: readonly string[];
  faults: readonly string[];
  /** Operations of fuse-rig-client in the root of the mount; or a shell command. */
  work: readonly string[] | string;
  /** Fills the fixture. */
  prepare?(fixture: string): void | Promise<void>;
  /** Further words of `live`. */
  flags?: readonly string[];
}

export interface LiveOutcome {
  code: number | null;
  findings: Finding[];
  plan: { rule: string; fired: number; refused: number }[];
  notes: string[];
  ended: string;
  workload: string;
  requests: number;
  seconds: number;
  /** What should not have been: processes, mounts, files; a run that did not end. */
  wrong: string[];
  stderr: string;
}

const LIMIT_S = 150;
const NOTHING = {
  findings: [],
  plan: [],
  notes: [],
  ended: '',
  workload: '',
  requests: 0,
  seconds: 0,
};

export async function runLive({ command, faults, work, prepare, flags = [] }: LiveRun) {
  const ground = new Ground();
  try {
    const fixture = join(ground.dir, 'fixture');
    mkdirSync(fixture);
    await prepare?.(fixture);
    const words = command.map((word) =>
      word.replaceAll('{fixture}', fixture).replaceAll('{mountpoint}', ground.mountpoint),
    );
    const options = faults.flatMap((rule) => ['--fault', rule]);
    options.push('--workload', typeof work === 'string' ? work : client(ground, work));
    const [node = '', ...rig] = RIG;
    const args = [...rig, 'live', '-q', '--json', '--no-stacks', ...flags, ...options, '--'];
    const PATH = [dirname(libfuseProgram('passthrough_hp')), process.env.PATH].join(':');
    const env = { ...ground.env, PATH };
    const ran = await run(node, [...args, ...words], { env, cwd: fixture, timeoutS: LIMIT_S });
    const last = ran.stdout.split('\n').findLast((line) => line.startsWith('{"command"'));
    const wrong = ground.leftovers();
    if (ran.ended !== 'itself') wrong.push(`the run did not end in ${LIMIT_S} s`);
    const said = last === undefined ? NOTHING : JSON.parse(last);
    return { ...said, code: ran.code, wrong, stderr: ran.stderr } as LiveOutcome;
  } finally {
    await ground.remove();
  }
}

/** A shell command that has fuse-rig-client do the operations. */
function client(ground: Ground, operations: readonly string[]): string {
  const file = ground.file('operations');
  writeFileSync(file, `${operations.join('\n')}\n`);
  return `${builtProgram('fuse-rig-client')} {mountpoint} < ${file} > /dev/null`;
}

/** `check: text` of what is no pass. */
export const failed = ({ findings }: LiveOutcome): string[] =>
  findings
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ check, text }) => `${check}: ${text}`);
