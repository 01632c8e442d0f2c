/** The end of a run, of tests that pass, fail, are skipped, or cannot be run (sample/). */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('./sample', import.meta.url));
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));

const run = (forbid: '0' | '1', ...args: string[]) =>
  execa(process.execPath, [vitest, 'run', '--root', root, ...args], {
    reject: false,
    env: { FUSE_RIG_FORBID_SKIPS: forbid, NO_COLOR: '1' },
  });

describe('the end of a test run', () => {
  it('names every skipped test with its reason, and the counts last', async () => {
    const { exitCode, stdout } = await run('0', 'skips');
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').slice(-5)).toEqual([
      'SKIPPED skips.sample.ts > a sample > is skipped for a reason',
      '        the moon is not full',
      'SKIPPED skips.sample.ts > a sample > is skipped for none',
      '        NO REASON GIVEN: write context.skip(condition, reason)',
      '1 passed, 0 failed, 2 skipped',
    ]);
  });

  it('fails for a skipped test where that is forbidden', async () => {
    const { exitCode, stdout } = await run('1', 'skips');
    expect(exitCode).toBe(1);
    expect(stdout.split('\n').slice(-2)).toEqual([
      'FAILED: skipped tests, and FUSE_RIG_FORBID_SKIPS=1',
      '1 passed, 0 failed, 2 skipped',
    ]);
  });

  it('counts a test that fails and a file that cannot be run', async () => {
    const { exitCode, stdout } = await run('0', 'failing', 'broken');
    expect(exitCode).toBe(1);
    expect(stdout.split('\n').at(-1)).toBe('0 passed, 2 failed, 0 skipped');
  });

  it('says nothing of tests that were left out on purpose', async () => {
    const { exitCode, stdout } = await run('1', 'skips', '-t', 'passes');
    expect({ exitCode, said: /SKIPPED|FAILED/.test(stdout) }).toEqual({ exitCode: 0, said: false });
    expect(stdout.split('\n').at(-1)).toBe('1 passed, 0 failed, 2 skipped');
  });
});
