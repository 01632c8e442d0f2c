/**
 * Makes the machine ready for the live suites: installs the servers' Debian packages where it can,
 * builds current libfuse, mounts tracefs and fusectl, and says loudly which servers are skipped and
 * why. vitest calls it before the suites; `node dist/corpus/servers/setup.js` does it by hand.
 * FUSE_RIG_FORBID_SKIPS=1 makes a missing server an error; FUSE_RIG_NO_INSTALL=1 brings nothing.
 */
import { existsSync, realpathSync } from 'node:fs';
import { scheduler } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onPath, run } from '../run.ts';
import { setUpLibfuse } from './libfuse.ts';
import { missingRing } from './ring.ts';
import { allServers } from './servers.ts';

export interface SetupResult {
  /** Version line by server. */
  ready: Map<string, string>;
  /** Reason by server that cannot run here. */
  skipped: Map<string, string>;
}

const TRIES = 3;
const RETRY_MS = 5000;
const APT_S = 300;
/** Columns of a server's name in what is said. */
const LABEL = 30;

/** apt-get, again after a moment: mirrors and locks fail for a while. Returns why it did not work. */
async function apt(...args: string[]): Promise<string | undefined> {
  let why = '';
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries > 0) await scheduler.wait(RETRY_MS);
    const ran = await run('apt-get', ['-q', '-y', ...args], {
      timeoutS: APT_S,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (ran.code === 0) return undefined;
    why = ran.stderr.trim().split('\n').at(-1) ?? ran.ended;
  }
  return why;
}

/** Brings what the servers that miss something need. Returns why it could not. */
async function provide(say: (line: string) => void): Promise<string | undefined> {
  const lacking = allServers.filter((recipe) => recipe.missing() !== undefined);
  if (lacking.length === 0) return undefined;
  if (process.env.FUSE_RIG_NO_INSTALL === '1') return 'FUSE_RIG_NO_INSTALL is set';
  if (process.getuid?.() !== 0) return 'not root';
  if (onPath('apt-get') === undefined) return 'no apt-get';
  const refused = await install(new Set(lacking.flatMap(({ packages }) => packages)));
  if (!lacking.some(({ transport }) => transport === 'ring')) return refused;
  const unbuilt = await setUpLibfuse(say);
  const reasons = [refused, unbuilt === undefined ? undefined : `libfuse: ${unbuilt}`];
  return reasons.filter((reason) => reason !== undefined).join('; ') || undefined;
}

/** Installs packages. Returns why it could not. */
export async function install(packages: ReadonlySet<string>): Promise<string | undefined> {
  const stale = await apt('update');
  // One by one: a package that a release does not have must not cost the others. fuse3 comes first
  // (it brings fusermount too); the old package `fuse` would remove it and is never named.
  const failed: string[] = stale === undefined ? [] : [`update (${stale})`];
  for (const name of ['fuse3', ...[...packages].filter((name) => name !== 'fuse3')]) {
    const why = await apt('install', '--no-install-recommends', name);
    if (why !== undefined) failed.push(`${name} (${why})`);
  }
  return failed.length === 0 ? undefined : `apt-get: ${failed.join(', ')}`;
}

/** Mounts the kernel file systems that the witness and the clean-up use. */
async function mountKernelFiles(): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const wanted = [
    ['tracefs', '/sys/kernel/tracing', 'events'],
    ['fusectl', '/sys/fs/fuse/connections', ''],
  ] as const;
  for (const [type, target, proof] of wanted) {
    const mounted = await run('mountpoint', ['-q', target]);
    if (mounted.code === 0 || !existsSync(target)) continue;
    if (proof !== '' && existsSync(`${target}/${proof}`)) continue;
    await run('mount', ['-t', type, type, target]);
  }
}

export async function setUpServers(say: (line: string) => void): Promise<SetupResult> {
  const refused = await provide(say);
  await mountKernelFiles();
  const result: SetupResult = { ready: new Map(), skipped: new Map() };
  for (const recipe of allServers) {
    const label = recipe.name.padEnd(LABEL);
    const version = recipe.missing() === undefined ? await recipe.version() : undefined;
    if (version !== undefined) {
      result.ready.set(recipe.name, version);
      const ring = recipe.transport === 'ring' ? missingRing() : undefined;
      say(`server ${label} ${version}${ring === undefined ? '' : `; ${ring}`}`);
      continue;
    }
    const reason = recipe.missing() ?? 'does not run: its version cannot be asked';
    result.skipped.set(recipe.name, reason);
    say(`server ${label} SKIPPED: ${reason}`);
  }
  if (result.skipped.size > 0) {
    say(
      `SKIPPED ${result.skipped.size} of ${allServers.length} servers. ${refused ?? ''}`.trimEnd(),
    );
    if (process.env.FUSE_RIG_FORBID_SKIPS === '1') {
      throw new Error(
        `servers are missing and FUSE_RIG_FORBID_SKIPS is set: ${[...result.skipped.keys()].join(', ')}`,
      );
    }
  }
  return result;
}

/** For vitest's globalSetup. */
export default async function setup(): Promise<void> {
  await setUpServers((line) => process.stderr.write(`${line}\n`));
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  setup().catch((error: unknown) => {
    process.stderr.write(`fuse-rig: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
