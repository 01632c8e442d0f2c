/**
 * A root file system of Debian sid with the servers in it, so that their current versions run beside
 * this release's. debootstrap makes it, once, in the cache folder, from the mirror that the machine uses;
 * delete the folder (root-sid-DATE) for a newer one. Not part of `npm test`.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { onPath, run } from '../run.ts';
import { cache } from './cache.ts';
import { mirror } from './debian_source.ts';

export interface DebianRoot {
  dir: string;
  /** The suite's, YYYY-MM-DD. */
  date: string;
}

const SUITE = 'sid';
const NAME = new RegExp(`^root-${SUITE}-(\\d{4}-\\d\\d-\\d\\d)$`);
const TRIES = 3;
const RETRY_MS = 5000;
const DEBOOTSTRAP_S = 1200;

/**
 * All of it in a mount and a process namespace: no mount of debootstrap's outlives it, and no process
 * us, however we end. `flock` keeps a second set-up waiting, which then finds the work done. The root gets its name
 * only when it is whole.
 */
const MAKE = `
set -e
dir=$1 partial=$2; shift 2
ls -d "$dir"/root-${SUITE}-* > /dev/null 2>&1 && exit 0
rm -rf "$partial"
"$@"
rm -f "$partial"/var/cache/apt/archives/*.deb
date=$(sed -n 's/^Date: //p' "$partial"/var/lib/apt/lists/*InRelease | head -n 1)
mv -T "$partial" "$dir/root-${SUITE}-$(date -u -d "$date" +%F)"`;

/** The newest root there is, or undefined. */
export function newestRoot(): DebianRoot | undefined {
  const names = existsSync(cache()) ? readdirSync(cache()) : [];
  const date = names
    .map((name) => NAME.exec(name)?.[1])
    .filter((found) => found !== undefined)
    .sort()
    .at(-1);
  return date === undefined ? undefined : { dir: join(cache(), `root-${SUITE}-${date}`), date };
}

/** Why no root can be made here, or undefined. */
export function missingDebootstrap(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const programs = ['debootstrap', 'apt-get', 'flock', 'unshare', 'setpriv'];
  const lacking = programs.filter((program) => onPath(program) === undefined);
  return lacking.length === 0 ? undefined : `${lacking.join(', ')} not installed`;
}

/** Once: what went wrong, as debootstrap says it; undefined when the root is there. */
async function make(packages: readonly string[], from: string): Promise<string | undefined> {
  const partial = join(cache(), `.partial-root-${SUITE}`);
  const debootstrap = ['debootstrap', '--variant=minbase', `--include=${packages.join(',')}`];
  const words = [
    ...['--pdeathsig', 'KILL', '--', 'flock', '-F', join(cache(), `.lock-root-${SUITE}`)],
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
    ...['sh', '-c', MAKE, 'sh', cache(), partial, ...debootstrap, SUITE, partial, from],
  ];
  const ran = await run('setpriv', words, { timeoutS: DEBOOTSTRAP_S });
  if (ran.code === 0) return undefined;
  rmSync(partial, { recursive: true, force: true });
  const said = `${ran.stdout}\n${ran.stderr}`.trim().split('\n');
  return said.findLast((line) => line.startsWith('E: ')) ?? said.at(-1) ?? ran.ended;
}

/**
 * Makes the root if there is none. Packages that the suite does not have are left out, and said. The
 * result says why it could not.
 */
export async function setUpRoot(
  packages: readonly string[],
  say: (line: string) => void,
  from?: string,
): Promise<string | undefined> {
  if (newestRoot() !== undefined) return undefined;
  if (process.env.FUSE_RIG_NO_INSTALL === '1') return 'FUSE_RIG_NO_INSTALL is set';
  const lacking = missingDebootstrap();
  if (lacking !== undefined) return lacking;
  mkdirSync(cache(), { recursive: true });
  say(`root file system of ${SUITE}: making it in ${cache()}, this once`);
  let wanted = [...packages];
  let why: string | undefined;
  for (let tries = 0; tries < TRIES; ) {
    why = await make(wanted, from ?? (await mirror()));
    if (why === undefined) return undefined;
    const absent = /^E: Couldn't find these debs: (.*)$/.exec(why)?.[1]?.split(' ') ?? [];
    const left = wanted.filter((name) => !absent.includes(name));
    if (left.length < wanted.length) {
      say(`not in ${SUITE}: ${absent.join(', ')}`);
      wanted = left;
      continue;
    }
    tries++;
    say(`debootstrap: ${why}`);
    if (tries < TRIES) await scheduler.wait(RETRY_MS);
  }
  return why;
}
