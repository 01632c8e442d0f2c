// Every case of the corpus, one test each, as `fuse-rig corpus run` runs it; and what the folder promises.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { CaptureReader } from '../recorder/capture/reader.ts';
import { readFolder } from '../rig/cases/folder.ts';
import { runCase } from '../rig/cases/run_case.ts';
import { REAL_CASES } from './real_cases.ts';
import { libfuseProgram } from './servers/libfuse.ts';

// A busy machine may take its time; a replay ends by itself.
vi.setConfig({ testTimeout: 120_000 });

const CASES = fileURLToPath(new URL('./cases', import.meta.url));
const BYTES_MAX = 20 * 2 ** 20;
const folder = readFolder(CASES);
/** Of the reference server's bugs; corpus/mutants/mutants.test.ts runs some of them. */
const MUTANTS = fileURLToPath(new URL('./mutants/cases', import.meta.url));
const mutants = readFolder(MUTANTS);

beforeAll(() => {
  // Cases name servers as PATH finds them, and nobody installs libfuse's examples.
  process.env.PATH = [dirname(libfuseProgram('memfs_ll')), process.env.PATH].join(delimiter);
});

describe('the corpus', () => {
  it.for(folder.cases.map((one) => [one.name, one] as const))('%s', async ([, one], context) => {
    const { status, reasons, reproduce } = await runCase(one);
    context.skip(status === 'skipped', reasons.join('; '));
    expect({ status, reasons }, reproduce).toEqual({ status: 'pass', reasons: [] });
  });

  it('can be used as it is', () => expect([...folder.unusable, ...mutants.unusable]).toEqual([]));

  it('has every case of real traffic', () => {
    const names = folder.cases.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(REAL_CASES.map(({ name }) => name)));
  });

  it('is small', () => {
    const bytes = [CASES, MUTANTS].flatMap((dir) =>
      readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => statSync(join(entry.parentPath, entry.name)).size),
    );
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(BYTES_MAX);
  });

  it.each([...folder.cases, ...mutants.cases].map((one) => [one.name, one] as const))(
    '%s says what it is, and nothing of a machine',
    (_, one) => {
      const readme = readFileSync(join(one.dir, 'README.md'), 'utf8');
      const { length } = readme.trim().split('\n');
      expect(length).toBeGreaterThan(2);
      expect(length).toBeLessThan(20);
      const { begin } = CaptureReader.open(one.capture);
      expect(begin.server.env.filter((pair) => !/^(PATH|LANG|LC_\w+|TZ)=/.test(pair))).toEqual([]);
      const paths = [begin.server.cwd, begin.fixture ?? '', begin.mountpoint ?? ''];
      expect(paths.filter((path) => /^\/(home|root|tmp|work)\b/.test(path))).toEqual([]);
    },
  );
});
