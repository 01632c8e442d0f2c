/**
 * The package as somebody installs it: packed from a copy of this checkout, installed into an empty
 * folder where no compiler runs, used there, with the example project that newcomers copy. Dependencies
 * come from npm's cache, or from the registry where that lacks them; vitest is this checkout's.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type Options } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesBelow, ROOT } from './testing/sources.ts';

const golden = join(ROOT, 'recorder/capture/golden/v1.fusecap');
/** No compiler: whoever calls one fails. */
const NO_COMPILER = { CC: '/bin/false', CXX: '/bin/false', npm_config_build_from_source: 'false' };
const QUIET = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

let scratch: string;
let checkout: string;
let place: string;
let tarball: string;

const at = (cwd: string): Options => ({ cwd, reject: false, env: NO_COMPILER });

/** A copy of the checkout with what is built, so that packing disturbs nobody. */
function copyCheckout(): void {
  mkdirSync(checkout);
  for (const path of [...filesBelow(''), 'recorder/capture/golden/v1.fusecap']) {
    cpSync(join(ROOT, path), join(checkout, path), { preserveTimestamps: true });
  }
  cpSync(join(ROOT, 'dist'), join(checkout, 'dist'), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
}

/** npm install, once more if the network failed. */
async function install(): Promise<void> {
  const words = ['install', join(scratch, tarball), ...QUIET];
  const first = await execa('npm', words, at(place));
  const result = first.exitCode === 0 ? first : await execa('npm', words, at(place));
  expect(result.exitCode, String(result.stderr)).toBe(0);
}

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'fuse-rig-package-'));
  checkout = join(scratch, 'checkout');
  place = join(scratch, 'place');
  copyCheckout();
  mkdirSync(place);
  const packed = await execa('npm', ['pack', '--pack-destination', scratch, '--loglevel=error'], {
    cwd: checkout,
    reject: false,
  });
  expect(packed.exitCode, packed.stderr).toBe(0);
  tarball = packed.stdout.trim().split('\n').at(-1) ?? '';
  await install();
}, 240_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the package', () => {
  it('is named after its version and leaves nothing in the checkout', () => {
    expect(tarball).toMatch(/^fuse-rig-\d+\.\d+\.\d+\.tgz$/);
    expect(readdirSync(checkout).filter((name) => name.endsWith('.tgz'))).toEqual([]);
  });

  it('holds what runs, what it says of itself, and no test', async () => {
    const { stdout } = await execa('tar', ['-tzf', join(scratch, tarball)]);
    const names = stdout.split('\n').map((name) => name.replace(/^package\//, ''));
    expect(names).toEqual(
      expect.arrayContaining([
        'package.json',
        'README.md',
        'LICENSE',
        'CHANGELOG.md',
        'ARCHITECTURE.md',
        'recorder/FORMAT.md',
        'rig/cli/bin.mjs',
        'dist/rig/cli/main.js',
        'dist/rig/engine/worker.js',
        'dist/native/load.js',
        'dist/native/fuse_rig.node',
        'dist/native/fuse-rig-launch',
        'dist/native/fuse-rig-server',
        'dist/native/stand-ins/fusermount3',
        'dist/rig/vitest/index.d.ts',
        'dist/faults/fast_check.d.ts',
        'faults/plan.schema.json',
      ]),
    );
    const odd = names.filter((name) =>
      /\.test\.|(?<!\.d)\.tsx?$|\.o$|testing\/|protocol\/arbitraries|kernel\/scene|\.tgz$|^corpus\/|^\.ci\//.test(
        name,
      ),
    );
    expect(odd).toEqual([]);
  });

  it('brings its dependencies and no tool', () => {
    const names = readdirSync(join(place, 'node_modules'));
    expect(names).toEqual(
      expect.arrayContaining(['fuse-rig', 'commander', 'execa', 'fast-check', 'msgpackr', 'yaml']),
    );
    expect(names.filter((name) => /vitest|typescript|biome|node-addon/.test(name))).toEqual([]);
  });

  it('examines the machine where it is installed', async () => {
    const doctor = await execa('npm', ['exec', 'fuse-rig', '--', 'doctor'], at(place));
    expect(doctor.exitCode, String(doctor.stderr)).toBe(0);
    expect(doctor.stdout).toContain('\nreplay  works here\n');
  });

  it('reads a capture where it is installed', async () => {
    const show = await execa('npm', ['exec', 'fuse-rig', '--', 'show', golden], at(place));
    expect(show.exitCode, String(show.stderr)).toBe(0);
    expect(show.stdout).toContain('LOOKUP node=1 name="f" = -ENOENT');
  });

  it('is found by npm exec in a checkout too', async () => {
    const doctor = await execa('npm', ['exec', 'fuse-rig', '--', 'doctor'], at(checkout));
    expect(doctor.exitCode, String(doctor.stderr)).toBe(0);
    expect(doctor.stdout).toContain('\nreplay  works here\n');
  });
});

describe('the example project', { timeout: 120_000 }, () => {
  const example = (): string => join(scratch, 'example');
  beforeAll(() => {
    cpSync(join(ROOT, 'corpus/examples/vitest'), example(), { recursive: true });
    const modules = join(example(), 'node_modules');
    cpSync(join(place, 'node_modules'), modules, { recursive: true, verbatimSymlinks: true });
    for (const name of ['vitest', '@types']) {
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    }
  });

  const npmTest = (env: Record<string, string> = {}, ...args: string[]) =>
    execa('node', ['node_modules/vitest/vitest.mjs', 'run', ...args], {
      cwd: example(),
      reject: false,
      env: { NO_COLOR: '1', FUSE_RIG_FORBID_SKIPS: '1', ...env },
    });

  it('passes', async () => {
    const { exitCode, stdout, stderr } = await npmTest();
    expect(exitCode, `${stdout}${stderr}`).toBe(0);
    expect(stdout).toMatch(/Tests +5 passed \(5\)/);
    expect(readdirSync(join(example(), 'logs')).length).toBeGreaterThan(2);
  });

  it('fails for a server that is wrong, and says how to see it', async () => {
    const SERVER = '{server} --bug double-reply --fs passthrough={fixture} {mountpoint}';
    const { exitCode, stderr } = await npmTest({ SERVER }, '-t', 'answers');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/FAIL conformance +\d+ replies refused by the kernel/);
    expect(stderr).toMatch(
      /reproduce {3}fuse-rig replay cases\/rename\/capture.fusecap .*double-reply/,
    );
  });

  it('has types', async () => {
    const compilerOptions = {
      ...{ target: 'es2023', module: 'nodenext', strict: true, noEmit: true, types: ['node'] },
    };
    const tsconfig = { compilerOptions, include: ['server.test.ts'] };
    writeFileSync(join(example(), 'tsconfig.json'), JSON.stringify(tsconfig));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const ran = await execa('node', [tsc, '-p', '.'], { cwd: example(), reject: false });
    expect(ran.stdout).toBe('');
    const wrong = "import { expect } from 'fuse-rig/vitest';\nexpect(1).toPast();\n";
    writeFileSync(join(example(), 'server.test.ts'), wrong);
    const again = await execa('node', [tsc, '-p', '.'], { cwd: example(), reject: false });
    expect(again.stdout).toContain("Property 'toPast' does not exist");
  });
});
