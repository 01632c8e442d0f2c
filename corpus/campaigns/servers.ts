/**
 * The servers campaign: `npm run campaign:servers -- --size small --replays 20`. Every server gets
 * every workload that suits it: transparency (the same results with and without the recorder),
 * completeness (the kernel's tracepoints as witness), replay (0 findings and one log, every time).
 * `--servers ring` takes those with FUSE over io_uring. The table goes to stdout, one JSON line a server to --json.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allowRings } from '../servers/ring.ts';
import { ringServers, serverNamed, servers } from '../servers/servers.ts';
import type { Size } from '../workloads/workload.ts';
import { type Trial, tryServer } from './server_trial.ts';

const say = (line: string) => void process.stdout.write(`${line}\n`);
const HEAD =
  '| server | requests | over a ring | MB | workloads | differences | witness | replays clean | replay/record time |';

function row(trial: Trial): string {
  const { completeness: c } = trial;
  const name = trial.variant === 'plain' ? trial.server : `${trial.server} (${trial.variant})`;
  const witness =
    c === undefined
      ? 'none'
      : `${c.requests} requests, ${c.ends} ends, ${c.unexplained.length} unexplained`;
  const pace =
    trial.recordSeconds > 0 && trial.replays > 0
      ? (trial.replaySeconds / trial.replays / trial.recordSeconds).toFixed(2)
      : '-';
  return `| ${name} | ${trial.requests} | ${trial.overRing} | ${(trial.bytes / 1e6).toFixed(1)} | ${trial.workloads} | ${trial.differences.length} | ${witness} | ${trial.clean}/${trial.replays} | ${pace} |`;
}

function complaints(trial: Trial): string[] {
  return [
    ...trial.wrong,
    ...trial.differences.map((d) => `differs under the recorder: ${d}`),
    ...(trial.completeness?.unexplained ?? []).slice(0, 5),
    ...[...new Set(trial.findings)].slice(0, 5),
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      servers: { type: 'string' },
      workloads: { type: 'string' },
      size: { type: 'string', default: 'small' },
      replays: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      variants: { type: 'boolean', default: false },
      keep: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const names = values.servers?.split(',');
  const scratch = mkdtempSync(join(tmpdir(), 'fuse-rig-campaign-'));
  const options = {
    size: values.size as Size,
    seed: Number(values.seed),
    replays: Number(values.replays),
    only: values.workloads?.split(',') ?? [],
    say,
    ...(values.keep === undefined ? {} : { keep: values.keep }),
  };
  say(`seed ${options.seed}  size ${options.size}  ${options.replays} replays`);
  if (values.json !== undefined) writeFileSync(values.json, '');
  const rows: string[] = [];
  const chosen =
    names?.flatMap((name) => (name === 'ring' ? ringServers : [serverNamed(name)])) ?? servers;
  const release = chosen.some((r) => r.transport === 'ring') ? await allowRings() : undefined;
  try {
    for (const recipe of chosen) {
      const missing = recipe.missing();
      if (missing !== undefined) {
        say(`SKIPPED ${recipe.name}: ${missing}`);
        continue;
      }
      const version = (await recipe.version()) ?? 'unknown';
      for (const variant of values.variants ? recipe.variants : [recipe.variants[0]]) {
        const trial = await tryServer(recipe, variant, version, options, scratch);
        rows.push(row(trial));
        say(rows.at(-1) as string);
        const wrong = complaints(trial);
        for (const line of wrong) say(`  ${line}`);
        if (wrong.length > 0) process.exitCode = 1;
        if (values.json !== undefined) appendFileSync(values.json, `${JSON.stringify(trial)}\n`);
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    await release?.();
  }
  say(['', HEAD, '| --- | --- | --- | --- | --- | --- | --- | --- | --- |', ...rows].join('\n'));
}

await main();
