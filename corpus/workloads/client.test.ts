// The native client, held against Node on an ordinary directory.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtProgram, run } from '../run.ts';
import { Log, runWorkload } from './workload.ts';
import { workloads } from './workloads.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fuse-rig-client-test-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function client(...operations: string[]): Promise<string[]> {
  const log = new Log('small');
  await log.client(dir, operations);
  return log.lines;
}

const short = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

describe('fuse-rig-client', () => {
  it('reads what Node wrote, with the digest Node finds', async () => {
    for (const size of [1, 55, 56, 63, 64, 65, 100_000]) {
      const content = Buffer.alloc(size, `content ${size}`);
      writeFileSync(join(dir, 'f'), content);
      expect(await client('open f f RDONLY', 'drain f 4K', `read f ${size} 0`)).toEqual([
        'open f f RDONLY = 0',
        `drain f 4K = ${size} ${short(content)}`,
        `read f ${size} 0 = ${size} ${short(content)}`,
      ]);
    }
  });

  it('writes content that depends on seed and offset, not on the block', async () => {
    await client(
      'open a a RDWR|CREAT',
      'fill a 5 100000 4K',
      'open b b RDWR|CREAT',
      'fill b 5 100000 777',
    );
    const a = readFileSync(join(dir, 'a'));
    expect(a.equals(readFileSync(join(dir, 'b')))).toBe(true);
    expect(a.subarray(0, 8).equals(a.subarray(8, 16))).toBe(false);
    expect(statSync(join(dir, 'a')).mode & 0o777).toBe(0o644);
  });

  it('names errors, decodes words and keeps them quoted', async () => {
    expect(
      await client('mkdir with%20blank', 'mkdir with%20blank', 'rmdir none', 'list .'),
    ).toEqual([
      'mkdir with%20blank = 0',
      'mkdir with%20blank = EEXIST',
      'rmdir none = ENOENT',
      'list . = 3 d:. d:.. d:with%20blank',
    ]);
  });

  it('runs spawned blocks, wakes, signals and kills them', async () => {
    const waiter = (call: string) => ['spawn w', 'open w f RDWR', call, 'end', 'blocked w flock'];
    const lines = await client(
      'open f f RDWR|CREAT',
      'flock f EX',
      ...waiter('flock w EX'),
      'signal w USR1',
      'join w',
      ...waiter('flock w EX'),
      'signal w KILL',
      'join w',
      ...waiter('flock w EX'),
      'flock f UN',
      'join w',
    );
    expect(lines.filter((line) => /^(w: flock|join)/.test(line))).toEqual([
      'w: flock w EX = EINTR',
      'join w = 0',
      'join w = SIGKILL',
      'w: flock w EX = 0',
      'join w = 0',
    ]);
  });

  it('stops at a line that is no operation', async () => {
    const ran = await run(builtProgram('fuse-rig-client') ?? '', [dir], {
      input: 'mkdir a\nfly\nmkdir b\n',
    });
    expect(ran.code).toBe(2);
    expect(ran.stdout).toBe('mkdir a = 0\nfly = not an operation: see native/clients\n');
  });

  it('says which directory it cannot enter', async () => {
    const ran = await run(builtProgram('fuse-rig-client') ?? '', [join(dir, 'none')], {
      input: '',
    });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/cannot enter .*none: No such file/);
  });
});

describe('workloads', () => {
  it('have names of their own, and directories of those names', () => {
    const names = workloads.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('need no FUSE: an ordinary directory will do', async () => {
    for (const name of ['calls', 'unlinked', 'renames']) {
      const workload = workloads.find((one) => one.name === name);
      if (workload === undefined) throw new Error(`no workload ${name}`);
      const result = await runWorkload(workload, dir, 3, 'small');
      expect(result.lines.filter((line) => / = .*ETIMEDOUT|^client exit/.test(line))).toEqual([]);
    }
  });
});
