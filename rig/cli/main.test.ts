/** The shell as it is typed: usage, errors nobody expected, readers that go away, no build. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { EXIT, EXIT_MEANING } from '../engine/exit_codes.ts';
import { buildProgram } from './main.ts';

const bin = fileURLToPath(new URL('./bin.mjs', import.meta.url));
const golden = fileURLToPath(new URL('../../recorder/capture/golden/v1.fusecap', import.meta.url));
const rig = (...args: string[]) => execa(process.execPath, [bin, ...args], { reject: false });

describe('fuse-rig', () => {
  it('says its version', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(await rig('--version')).toMatchObject({ exitCode: 0, stdout: version, stderr: '' });
  });

  it('helps: every command with an example, every exit code', async () => {
    const { exitCode, stdout, stderr } = await rig('--help');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const names = buildProgram().commands.map((command) => command.name());
    expect(names).toEqual([
      'record',
      'replay',
      'explore',
      'live',
      'show',
      'recover',
      'redact',
      'corpus',
      'doctor',
    ]);
    for (const name of names) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
      expect(stdout).toMatch(new RegExp(`^  fuse-rig ${name}\\b`, 'm'));
      expect((await rig(name, '--help')).stdout).toMatch(/\nExamples?:\n {2}fuse-rig /);
    }
    for (const [name, code] of Object.entries(EXIT)) {
      const meaning = EXIT_MEANING[name as keyof typeof EXIT];
      expect(stdout).toContain(`\n  ${String(code).padStart(2)}  ${meaning}`);
    }
  });

  it('ends with the usage and exit code 2 when nothing is asked', async () => {
    const { exitCode, stdout, stderr } = await rig();
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: fuse-rig /);
  });

  it.each([
    ['an unknown command', ['shwo'], "unknown command 'shwo' (Did you mean show?)"],
    [
      'an unknown option',
      ['show', '--jsn', golden],
      "unknown option '--jsn' (Did you mean --json?)",
    ],
    ['a missing argument', ['show'], "missing required argument 'capture'"],
    ['a missing option', ['record', '--', 'true'], "required option '-o, --output <file>'"],
    ['a choice that is none', ['replay', '--end', 'never', golden], "argument 'never' is invalid"],
    ['an argument too many', ['doctor', 'please'], 'too many arguments'],
  ])('refuses %s with one line and exit code 2', async (_, args, message) => {
    const { exitCode, stdout, stderr } = await rig(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^fuse-rig: [^\n]+; run: fuse-rig --help$/);
    expect(stderr).toContain(message);
  });

  it('turns an error nobody expected into one line and exit code 4', async () => {
    const broken = `
      const { Command } = await import(${JSON.stringify(import.meta.resolve('commander'))});
      Command.prototype.parseAsync = async () => { throw new Error('first line\\nsecond'); };
      const { run } = await import(${JSON.stringify(new URL('../../dist/rig/cli/main.js', import.meta.url).href)});
      await run([]);`;
    const args = ['--input-type=module', '-e', broken];
    const plain = await execa(process.execPath, args, { reject: false });
    expect(plain).toMatchObject({ exitCode: 4, stdout: '', stderr: 'fuse-rig: first line' });
    const debug = await execa(process.execPath, args, {
      reject: false,
      env: { FUSE_RIG_DEBUG: '1' },
    });
    expect(debug.exitCode).toBe(4);
    expect(debug.stderr).toMatch(/^fuse-rig: first line\nError: first line\nsecond\n {4}at /);
  });

  it('turns an error outside of every promise into one line and exit code 4', async () => {
    const broken = `
      const { run } = await import(${JSON.stringify(new URL('../../dist/rig/cli/main.js', import.meta.url).href)});
      process.nextTick(() => { throw new Error('out of the blue'); });
      await run(['--version']);`;
    const args = ['--input-type=module', '-e', broken];
    const { exitCode, stderr } = await execa(process.execPath, args, { reject: false });
    expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: 'fuse-rig: out of the blue' });
  });

  it.each([['--help'], ['doctor'], ['show', golden]])(
    'lets a reader go that has seen enough of %s',
    async (...args) => {
      const pipe = 'set -o pipefail; "$@" | true';
      const words = ['-c', pipe, 'bash', process.execPath, bin, ...args];
      const { exitCode, stderr } = await execa('bash', words, { reject: false });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    },
  );

  it('says what to do when it is not built', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-unbuilt-'));
    try {
      const copy = join(dir, 'rig/cli/bin.mjs');
      cpSync(bin, copy);
      const { exitCode, stdout, stderr } = await execa(process.execPath, [copy, 'doctor'], {
        reject: false,
      });
      expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
      expect(stderr).toBe('fuse-rig: not built yet; run npm run build');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
