/**
 * `npm run campaign:explore`: `fuse-rig explore` over short captures of several servers, none of which may
 * be accused of anything. What it finds is to be checked by hand, in front of the real kernel
 * (docs/explore.md). The same command goes on where it was stopped.
 */
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { type Case, caseOf } from '../../rig/cases/case.ts';
import { chooseServer } from '../../rig/cases/server.ts';
import { builtProgram } from '../run.ts';
import { libfuseProgram } from '../servers/libfuse.ts';
import { RIG } from './ground.ts';

const CASES = fileURLToPath(
  new URL(
    import.meta.url.includes('/dist/') ? '../../../corpus/cases' : '../cases',
    import.meta.url,
  ),
);
const PATH = [dirname(libfuseProgram('passthrough_hp')), process.env.PATH].join(delimiter);

/** Runs of each case; together somewhat more than ten thousand. */
const CAMPAIGN: Readonly<Record<string, number>> = {
  'reference-passthrough-brief': 1600,
  'reference-memory-brief': 1600,
  'reference-passthrough-ring-brief': 1500,
  'reference-memory-ring-brief': 1500,
  'bindfs-brief': 1500,
  'gocryptfs-brief': 1500,
  'libfuse-passthrough_hp-ring-brief': 1000,
};
/** Sixteen payloads of 1 MiB: poisoning all of each costs more than the session. */
const LARGE: ReadonlySet<string> = new Set(['libfuse-passthrough_hp-ring-brief']);

const HELP = `npm run campaign:explore -- [--runs N] [--seed S] [--jobs J] [--out DIR] [CASE...]
`;

const say = (line: string) => process.stdout.write(`${line}\n`);

function readCase(name: string): Case {
  const dir = join(CASES, name);
  if (!existsSync(dir)) {
    throw new Error(`no case ${name}; there are ${Object.keys(CAMPAIGN).join(', ')}`);
  }
  return caseOf(name, dir, readFileSync(join(dir, 'case.yaml'), 'utf8'));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      runs: { type: 'string' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '2' },
      out: { type: 'string', default: join(tmpdir(), 'fuse-rig-explore') },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    say(HELP.trimEnd());
    return;
  }
  process.env.PATH = PATH;
  const [node = '', ...rig] = RIG;
  for (const name of positionals.length > 0 ? positionals : Object.keys(CAMPAIGN)) {
    const one = readCase(name);
    const chosen = chooseServer(one, undefined, builtProgram('fuse-rig-server') ?? '');
    if ('skip' in chosen) {
      say(`${name}: SKIPPED: ${chosen.skip}\n`);
      continue;
    }
    const words = ['explore', one.capture, '--keep-going', '--seed', values.seed];
    words.push('--runs', values.runs ?? String(CAMPAIGN[name] ?? 1000), '--jobs', values.jobs);
    if (LARGE.has(name)) words.push('--poison', 'used');
    words.push('--out', join(values.out, name), '--', ...one.server);
    say(`${name}:`);
    const { exitCode = 4 } = await execa(node, [...rig, ...words], {
      stdio: 'inherit',
      reject: false,
    });
    process.exitCode ||= exitCode;
    say('');
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`fuse-rig: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
