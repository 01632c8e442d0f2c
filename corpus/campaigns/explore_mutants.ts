/**
 * `npm run campaign:explore-mutants`: which bugs built into the reference server `fuse-rig explore` finds
 * by itself, from one short capture of the clean server, after how many runs, and how small it makes
 * them. For docs/explore.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../run.ts';
import { RIG } from './ground.ts';

const CORPUS = import.meta.url.includes('/dist/') ? '../../../corpus' : '..';
const captureIn = (path: string): string =>
  fileURLToPath(new URL(`${CORPUS}/${path}/capture.fusecap`, import.meta.url));
const BRIEF = captureIn('cases/reference-memory-brief');
/** One client waits for the lock of another. */
const WAITING = captureIn('mutants/cases/waiting-sigterm');

interface Mutant {
  bug: string;
  /** Options of the server, and of explore. */
  server?: readonly string[];
  explore?: readonly string[];
  /** Explored where the first one has no such client. */
  capture?: string;
}

const RING = { server: ['--transport', 'ring', '--ring-required'] };
const MUTANTS: readonly Mutant[] = [
  { bug: 'enodev-as-data' },
  { bug: 'forget-answered' },
  { bug: 'pollerr-spin', server: ['--nonblock=poll'] },
  { bug: 'exit-nobody-woken' },
  { bug: 'double-unmount', explore: ['--end', 'sigterm'] },
  { bug: 'fd-closed-in-use', capture: WAITING },
  { bug: 'cqe-enotconn-fatal', ...RING },
  { bug: 'cqe-enotconn-fatal-one', ...RING },
  { bug: 'eventfd-4-bytes', ...RING },
  { bug: 'write-after-commit', ...RING },
  { bug: 'double-commit', ...RING },
  { bug: 'teardown-circular', ...RING },
  { bug: 'reply-after-teardown', ...RING, capture: WAITING },
  { bug: 'ring-setup-fails-still-advertised', server: ['--transport', 'ring'] },
  { bug: 'ring-setup-fails-then-freed', server: ['--transport', 'ring'] },
  { bug: 'lock-kept-on-error', ...RING, explore: ['--synthetic'] },
  { bug: 'cqe-eagain-dropped', ...RING, explore: ['--synthetic'] },
];
const RUNS = 900;
const LIMIT_S = 1200;

interface Event {
  kind: string;
  runs?: number;
  rules?: string[];
  requests?: number;
  of?: number;
  group?: { cause: { check: string; text: string }; smallest: { index: number } };
}

/** One row of the table. */
async function row(mutant: Mutant, out: string): Promise<string> {
  const { bug, server = [], explore = [], capture = BRIEF } = mutant;
  const [node = '', ...rig] = RIG;
  const campaign = [
    'explore',
    capture,
    '--runs',
    `${RUNS}`,
    '--cpus',
    '2',
    '--jobs',
    '2',
    '--json',
  ];
  const command = ['{server}', '--fs', 'memory', ...server, '--bug', bug, '{mountpoint}'];
  const words = [...campaign, ...explore, '--out', out, '--', ...command];
  const { stdout } = await run(node, [...rig, ...words], { timeoutS: LIMIT_S });
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  const found = events.find(({ kind }) => kind === 'found');
  const { runs } = events.find(({ kind }) => kind === 'end') ?? {};
  const client = capture === WAITING ? ['a client waits for a lock'] : [];
  const how = [...client, ...explore, ...server].join(' ');
  const { group } = found ?? {};
  if (found === undefined || group === undefined)
    return `| ${bug} | ${how} | not in ${runs} runs | | |`;
  const rules = found.rules?.length === 0 ? 'none is needed' : `\`${found.rules?.join('` `')}\``;
  const { check, text } = group.cause;
  return `| ${bug} | ${how} | ${group.smallest.index} | ${rules}, ${found.requests} of ${found.of} | ${check}: ${text} |`;
}

const out = mkdtempSync(join(tmpdir(), 'fuse-rig-explore-mutants-'));
const wanted = process.argv.slice(2);
try {
  process.stdout.write(
    '| mutant | with | found in run | smallest | as |\n| --- | --- | --- | --- | --- |\n',
  );
  for (const mutant of MUTANTS) {
    if (wanted.length > 0 && !wanted.includes(mutant.bug)) continue;
    process.stdout.write(`${await row(mutant, join(out, mutant.bug))}\n`);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
