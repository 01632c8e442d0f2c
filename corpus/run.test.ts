import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { must, onPath, run } from './run.ts';

describe('run', () => {
  it('gives output and exit code', async () => {
    const ran = await run('sh', ['-c', 'cat; echo err >&2; exit 3'], { input: 'in' });
    expect(ran).toMatchObject({ code: 3, stdout: 'in', stderr: 'err\n', ended: 'itself' });
  });

  it('kills the whole group when its time is over', async () => {
    const ran = await run('sh', ['-c', 'sleep 600 & echo $!; wait'], { timeoutS: 0.3 });
    expect(ran.ended).toBe('killed');
    // Its child too; as a zombie at most, if nobody has asked after it yet.
    const cmdline = `/proc/${ran.stdout.trim()}/cmdline`;
    expect(existsSync(cmdline) ? readFileSync(cmdline, 'utf8') : '').toBe('');
  });

  it('says what a missing program is', async () => {
    const ran = await run('/nonexistent/program', []);
    expect(ran.code).toBeNull();
    expect(ran.stderr).toMatch(/ENOENT/);
  });

  it('throws with the first line of the errors where success is needed', async () => {
    await expect(must('sh', ['-c', 'echo no such luck >&2; exit 4'])).rejects.toThrow(
      'sh -c failed (4): no such luck',
    );
  });

  it('finds programs', () => {
    expect(onPath('sh')).toMatch(/\/sh$/);
    expect(onPath('no-such-program-anywhere')).toBeUndefined();
  });
});
