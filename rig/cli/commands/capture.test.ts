/**
 * `show` and `recover` as they are typed: output, exit codes, one-line errors, and a reader that goes
 * away. The commands run in another process, from the built code (`npm run build`).
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CaptureReader } from '../../../recorder/capture/reader.ts';
import { CaptureWriter } from '../../../recorder/capture/writer.ts';

// Node starts slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const built = (name: string): string =>
  JSON.stringify(new URL(`../../../dist/rig/cli/commands/${name}.js`, import.meta.url).href);
const commander = JSON.stringify(import.meta.resolve('commander'));
const PROGRAM = `
  import { Command } from ${commander};
  import { showCommand } from ${built('show')};
  import { recoverCommand } from ${built('recover')};
  const program = new Command('fuse-rig');
  showCommand(program);
  recoverCommand(program);
  await program.parseAsync();`;

const golden = fileURLToPath(
  new URL('../../../recorder/capture/golden/v1.fusecap', import.meta.url),
);
let dir: string;
let program: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fuse-rig-cli-'));
  program = join(dir, 'program.mjs');
  writeFileSync(program, PROGRAM);
});
afterAll(() => rmSync(dir, { recursive: true }));

const run = (...args: string[]) => execa(process.execPath, [program, ...args], { reject: false });

describe('fuse-rig show', () => {
  it('shows a capture', async () => {
    const { exitCode, stdout, stderr } = await run('show', golden);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n')).toHaveLength(13);
    expect(stdout).toContain('    5.000000 1/1 #4 LOOKUP node=1 name="f" = -ENOENT <0.000000>\n');
  });

  it('takes its filters', async () => {
    const filters = [
      '-e',
      'lookup,15',
      '--node',
      '0x1',
      '--unique',
      '4',
      '--from',
      '4.9',
      '--to',
      '6',
    ];
    const { stdout } = await run('show', golden, ...filters, '--json');
    expect(stdout.split('\n').map((line) => JSON.parse(line).kind)).toEqual(['request', 'reply']);
    expect((await run('show', golden, '--to', '5', '--unique', '4')).stdout).toBe('');
  });

  it('shows what is whole of a file that is damaged, and then what is wrong', async () => {
    const file = join(dir, 'cut.fusecap');
    writeFileSync(file, readFileSync(golden).subarray(0, 0x2a0));
    const { exitCode, stdout, stderr } = await run('show', file);
    expect(exitCode).toBe(2);
    expect(stdout.split('\n').at(-1)).toContain('clone');
    expect(stderr).toMatch(
      /^fuse-rig: .*truncated: frame 6 at offset 662: .*fuse-rig recover [^\n]* OUT$/,
    );
  });

  it.each([
    ['a file that is not there', ['/nonexistent/x'], 'ENOENT'],
    ['a file that is no capture', [process.execPath], 'not a fuse-rig capture'],
    ['an operation that is none', [golden, '-e', 'READ,RAED'], '-e RAED: no FUSE operation'],
    ['a node that is none', [golden, '--node', '-1'], '--node -1: not an unsigned number'],
    ['a unique that is none', [golden, '--unique', '4x'], '--unique 4x: not an unsigned number'],
    ['a time that is none', [golden, '--from', 'now'], '--from now: not a number'],
    ['a size that is none', [golden, '-s', ''], 'not a number'],
  ])('refuses %s with one line and exit code 2', async (_, args, message) => {
    const { exitCode, stdout, stderr } = await run('show', ...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^fuse-rig: [^\n]+$/);
    expect(stderr).toContain(message);
  });

  it('ends without a word when its reader has seen enough', async () => {
    const file = join(dir, 'long.fusecap');
    const source = CaptureReader.open(golden);
    const writer = CaptureWriter.create(file, source.begin);
    source.close();
    for (let t = 0; t < 20_000; ++t) writer.write({ kind: 'close', t, handle: 1 });
    writer.close({ kind: 'end', t: 20_000, reason: 'error', requests: 0, replies: 0 });
    const pipe = 'set -o pipefail; "$@" | head -n 2';
    const args = ['-c', pipe, 'bash', process.execPath, program, 'show', file];
    const { exitCode, stdout, stderr } = await execa('bash', args, { reject: false });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n')).toHaveLength(2);
    const full = await run('show', file, '--json');
    expect(full.stdout.split('\n')).toHaveLength(20_002);
  });
});

describe('fuse-rig recover', () => {
  it('writes FILE of FILE.partial, says what it kept, and does not do it twice', async () => {
    const file = join(dir, 'killed.fusecap');
    const partial = `${file}.partial`;
    const bytes = readFileSync(golden).subarray(0, 0x2a0);
    writeFileSync(partial, bytes);
    const first = await run('recover', partial);
    expect(first.exitCode).toBe(0);
    expect(first.stdout).toContain(`${file}: kept 6 frames, 662 bytes; dropped 10 bytes\n`);
    expect((await run('show', file)).stdout).toMatch(
      / end reason="recovered"[^\n]*\n[^\n]*never answered\)$/,
    );
    expect((await run('show', partial)).exitCode).toBe(2);
    const second = await run('recover', partial);
    expect(second).toMatchObject({ exitCode: 2, stdout: '' });
    expect(second.stderr).toMatch(/^fuse-rig: .*killed.fusecap: exists[^\n]*$/);
    expect(readFileSync(partial).equals(bytes)).toBe(true);
    expect(readdirSync(dir).filter((name) => name.includes('recovered'))).toEqual([]);
  });

  it.each([
    ['a name it cannot guess', [golden], 'name the file to write'],
    ['what is no capture', [process.execPath, '/nonexistent/out'], 'not a fuse-rig capture'],
    ['a place it cannot write to', [golden, '/nonexistent/out'], 'ENOENT'],
  ])('refuses %s with one line and exit code 2', async (_, args, message) => {
    const { exitCode, stdout, stderr } = await run('recover', ...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^fuse-rig: [^\n]+$/);
    expect(stderr).toContain(message);
  });
});
