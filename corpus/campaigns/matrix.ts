/**
 * `npm run servers [-- OPTION...]`: every server of others, in this release's version and in Debian sid's,
 * which runs in a root file system of its own (made once, corpus/servers/debian_root.ts). Each is recorded
 * with a real mount while the kernel's tracepoints watch, replayed three times and once with every end.
 * docs/servers.md keeps what it prints.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { programInRoot } from '../../rig/seam/root.ts';
import { must, run } from '../run.ts';
import { newestRoot, setUpRoot } from '../servers/debian_root.ts';
import { libfuseNotify } from '../servers/libfuse_notify_store_retrieve.ts';
import type { Recipe } from '../servers/recipe.ts';
import { allowRings } from '../servers/ring.ts';
import { allServers, serverNamed, servers } from '../servers/servers.ts';
import { install } from '../servers/setup.ts';
import type { Size } from '../workloads/workload.ts';
import { type Trial, tryServer } from './server_trial.ts';

interface Release {
  name: string;
  /** Absent: this machine's own. */
  root?: string;
}

const say = (line: string) => void process.stdout.write(`${line}\n`);
const HEAD = [
  '| server | release | version | recorded | only one has it | replays clean | ends without a finding |',
  '| --- | --- | --- | --- | --- | --- | --- |',
];
/** Every kind of request, none in thousands; `campaign:servers` has the others. */
const WORK = 'glance,walk,calls,renames,unlinked,xattrs,locks,mmap,image';

const isOthers = ({ packages }: Recipe): boolean => packages.length > 0;

/** The server's version in that release, as its package says; undefined: it is not there. */
async function versionIn(recipe: Recipe, { root }: Release): Promise<string | undefined> {
  if (recipe.transport === 'ring') return root === undefined ? recipe.version() : undefined;
  if (root === undefined && recipe.missing() !== undefined) return undefined;
  const program = recipe.variants[0].command[0] ?? '';
  if (root !== undefined && programInRoot({ dir: root, share: [] }, program) === undefined) {
    return undefined;
  }
  const query = ['dpkg-query', '-W', '-f', `\${Version}`, recipe.packages[0] ?? ''];
  const [first = '', ...words] = root === undefined ? query : ['chroot', root, ...query];
  const ran = await run(first, words, { timeoutS: 20 });
  return ran.code === 0 ? ran.stdout : recipe.version();
}

function row(trial: Trial, release: Release): string {
  const { completeness: c, ends = {} } = trial;
  const clean = Object.entries(ends).filter(([, complaints]) => complaints.length === 0);
  const words = [
    trial.server,
    release.name,
    trial.version,
    `${trial.requests} requests`,
    c === undefined ? 'no witness' : `${c.unexplained.length}`,
    `${trial.clean} of ${trial.replays}`,
    clean.length === Object.keys(ends).length ? 'all' : clean.map(([end]) => end).join(', '),
  ];
  return `| ${words.join(' | ')} |`;
}

function complaints(trial: Trial): string[] {
  return [
    ...trial.wrong,
    ...trial.differences.map((d) => `differs under the recorder: ${d}`),
    ...(trial.completeness?.unexplained ?? []).slice(0, 5),
    ...[...new Set(trial.findings)].slice(0, 5),
    ...Object.entries(trial.ends ?? {}).flatMap(([end, said]) => said.map((s) => `${end}: ${s}`)),
  ];
}

async function releases(wanted: readonly string[]): Promise<Release[]> {
  const id = await must('sh', ['-c', '. /etc/os-release && echo "$PRETTY_NAME"']);
  const here = { name: id.trim() };
  if (!wanted.includes('sid')) return [here];
  const packages = [...new Set(['ca-certificates', ...servers.flatMap((one) => one.packages)])];
  if (newestRoot() === undefined) await install(new Set(['debootstrap']));
  const why = await setUpRoot(packages, say);
  const root = newestRoot();
  if (root === undefined) throw new Error(`no root file system of sid: ${why}`);
  const sid = { name: `sid of ${root.date}`, root: root.dir };
  return wanted.includes('here') ? [here, sid] : [sid];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      servers: { type: 'string' },
      releases: { type: 'string', default: 'here,sid' },
      workloads: { type: 'string', default: WORK },
      size: { type: 'string', default: 'small' },
      replays: { type: 'string', default: '3' },
      seed: { type: 'string', default: '1' },
      keep: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const chosen = values.servers?.split(',').map(serverNamed) ?? allServers.filter(isOthers);
  const scratch = mkdtempSync(join(tmpdir(), 'fuse-rig-servers-'));
  const options = {
    size: values.size as Size,
    seed: Number(values.seed),
    replays: Number(values.replays),
    only: values.workloads.split(','),
    ends: true,
    say,
  };
  if (values.json !== undefined) writeFileSync(values.json, '');
  const rows: string[] = [];
  const release = chosen.some((r) => r.transport === 'ring') ? await allowRings() : undefined;
  try {
    const all = await releases(values.releases.split(','));
    for (const recipe of chosen) {
      for (const one of all) {
        const version = await versionIn(recipe, one);
        if (version === undefined || recipe === libfuseNotify) {
          // That one's files hold the time of day.
          say(
            `${recipe.name}: ${version === undefined ? `not in ${one.name}` : 'never twice the same'}`,
          );
          continue;
        }
        const root = one.root === undefined ? {} : { root: one.root };
        const keep =
          values.keep === undefined ? {} : { keep: join(values.keep, root.root ? 'sid' : 'here') };
        const how = { ...options, ...root, ...keep };
        const trial = await tryServer(recipe, recipe.variants[0], version, how, scratch).catch(
          (error: Error) => error,
        );
        if (trial instanceof Error) {
          say(`${recipe.name} ${version} of ${one.name}: ${trial.message}`);
          process.exitCode = 1;
          continue;
        }
        rows.push(row(trial, one));
        say(rows.at(-1) as string);
        const wrong = complaints(trial);
        for (const line of wrong) say(`  ${line}`);
        if (wrong.length > 0) process.exitCode = 1;
        if (values.json !== undefined) {
          appendFileSync(values.json, `${JSON.stringify({ release: one.name, ...trial })}\n`);
        }
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    await release?.();
  }
  say(['', ...HEAD, ...rows].join('\n'));
}

await main();
