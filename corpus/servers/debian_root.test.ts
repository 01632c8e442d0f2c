// Making the root file system, with a debootstrap of the test's own: what a mirror, a second set-up and
// Ctrl-C do to it. No network is used.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { missingDebootstrap, newestRoot, setUpRoot } from './debian_root.ts';

/** Knows the packages `good` and `other`; waits for the file `go`, if there is one to wait for. */
const DEBOOTSTRAP = `#!/bin/sh
echo "$@" >> "$FAKE/calls"
for root; do case $root in *.partial-root-sid) break; esac; done
mkdir -p "$root/var/lib/apt/lists" "$root/proc"
mount -t proc proc "$root/proc"
case "$*" in *gone*) echo "E: Couldn't find these debs: gone lost"; exit 1; esac
[ -e "$FAKE/broken" ] && { rm "$FAKE/broken"; echo 'E: no mirror'; exit 1; }
echo > "$FAKE/running"
while [ -e "$FAKE/wait" ]; do sleep 0.1; done
echo 'Date: Thu, 05 Nov 2026 08:11:23 UTC' > "$root/var/lib/apt/lists/x_InRelease"
`;

const before = { ...process.env };
let fake: string;
let cached: string;
beforeEach(() => {
  fake = mkdtempSync(join(tmpdir(), 'fuse-rig-root-'));
  cached = join(fake, 'cache/fuse-rig');
  writeFileSync(join(fake, 'debootstrap'), DEBOOTSTRAP);
  chmodSync(join(fake, 'debootstrap'), 0o755);
  process.env.PATH = `${fake}${delimiter}${process.env.PATH}`;
  process.env.FAKE = fake;
  process.env.XDG_CACHE_HOME = join(fake, 'cache');
  delete process.env.FUSE_RIG_NO_INSTALL;
});
afterEach(() => {
  process.env = { ...before };
  rmSync(fake, { recursive: true });
});

const needs = (context: TestContext): void => {
  const why = missingDebootstrap();
  context.skip(why !== undefined, why);
};
const setUp = (packages: string[], say: (line: string) => void = () => {}) =>
  setUpRoot(packages, say, 'file:///nowhere');
const calls = () => readFileSync(join(fake, 'calls'), 'utf8').trim().split('\n').length;
const roots = () => readdirSync(cached).filter((name) => !name.startsWith('.lock'));
const mounted = () => readFileSync('/proc/self/mountinfo', 'utf8').includes(fake);

describe('the root file system', () => {
  it('has the name of its date, without the packages that the suite has not', async (context) => {
    needs(context);
    const lines: string[] = [];
    expect(await setUp(['good', 'gone', 'other'], (line) => lines.push(line))).toBeUndefined();
    expect(newestRoot()).toEqual({ dir: join(cached, 'root-sid-2026-11-05'), date: '2026-11-05' });
    expect(lines.at(-1)).toBe('not in sid: gone, lost');
    expect(readFileSync(join(fake, 'calls'), 'utf8')).toContain('--include=good,other sid');
    expect({ roots: roots(), mounted: mounted() }).toEqual({
      roots: ['root-sid-2026-11-05'],
      mounted: false,
    });
    expect(await setUp(['good'])).toBeUndefined();
    expect(calls()).toBe(2);
  });

  it('is made once, whoever else wants it meanwhile', async (context) => {
    needs(context);
    expect(await Promise.all([setUp(['good']), setUp(['good'])])).toEqual([undefined, undefined]);
    expect({ calls: calls(), roots: roots() }).toEqual({
      calls: 1,
      roots: ['root-sid-2026-11-05'],
    });
  });

  it('is tried again, and what came of the first time is gone', {
    timeout: 30_000,
  }, async (context) => {
    needs(context);
    writeFileSync(join(fake, 'broken'), '');
    const lines: string[] = [];
    expect(await setUp(['good'], (line) => lines.push(line))).toBeUndefined();
    expect(lines).toContain('debootstrap: E: no mirror');
    expect(calls()).toBe(2);
  });

  it('leaves no process and no mount when who makes it is killed', {
    timeout: 30_000,
  }, async (context) => {
    needs(context);
    writeFileSync(join(fake, 'wait'), '');
    const file = fileURLToPath(
      new URL('../../dist/corpus/servers/debian_root.js', import.meta.url),
    );
    const script = `import(${JSON.stringify(file)}).then((m) => m.setUpRoot(['good'], () => {}, 'file:///nowhere'))`;
    const maker = execa(process.execPath, ['-e', script], { reject: false });
    while (!existsSync(join(fake, 'running'))) await scheduler.wait(20);
    maker.kill('SIGKILL');
    await maker;
    const marked = () =>
      readdirSync('/proc').filter((name) => {
        try {
          return (
            /^\d+$/.test(name) &&
            Number(name) !== process.pid &&
            readFileSync(`/proc/${name}/environ`, 'latin1').includes(`FAKE=${fake}`)
          );
        } catch {
          return false;
        }
      });
    while (marked().length > 0) await scheduler.wait(20);
    expect({ mounted: mounted(), root: newestRoot() }).toEqual({ mounted: false, root: undefined });
    // What it had begun is begun anew.
    rmSync(join(fake, 'wait'));
    expect(await setUp(['good'])).toBeUndefined();
    expect(roots()).toEqual(['root-sid-2026-11-05']);
  });

  it('says why there is none', async () => {
    process.env.FUSE_RIG_NO_INSTALL = '1';
    mkdirSync(cached, { recursive: true });
    expect(await setUp(['good'])).toBe('FUSE_RIG_NO_INSTALL is set');
  });
});
