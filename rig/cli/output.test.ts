/** What a server prints under `record`: all of it, as fast as somebody reads, and without anybody to read. */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { execa, execaSync } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { needsMounts, Place } from './testing/place.ts';

vi.setConfig({ testTimeout: 60_000 });

let place: Place;
beforeEach(() => {
  place = new Place();
  writeFileSync(place.at('src/file'), 'hello\n');
});
afterEach(() => place.remove());

function comm(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

describe('fuse-rig record', () => {
  it('passes on megabytes that the server prints, all of them', async () => {
    const talk =
      'head -c 3000000 /dev/zero | tr "\\0" x; head -c 3000000 /dev/zero | tr "\\0" y >&2';
    const args = ['record', '-o', place.at('o.fusecap'), '--', 'sh', '-c', talk];
    const { exitCode, stdout, stderr } = await place.type(args);
    expect({ exitCode, out: stdout === 'x'.repeat(3_000_000) }).toEqual({ exitCode: 4, out: true });
    expect(stderr.startsWith(`${'y'.repeat(3_000_000)}fuse-rig: the server ended`)).toBe(true);
  });

  it('lets a server wait that prints faster than anybody reads', async () => {
    const args = ['record', '-o', place.at('o.fusecap'), '--', 'sh', '-c', 'exec yes'];
    const pipe = place.at('pipe');
    execaSync('mkfifo', [pipe]);
    const end = openSync(pipe, 'r+');
    const child = place.printing(pipe, args);
    const written = () => {
      const pid = place.processes().find((p) => comm(p) === 'yes');
      const io = pid === undefined ? '' : readFileSync(`/proc/${pid}/io`, 'utf8');
      return Number(/^wchar: (\d+)/m.exec(io)?.[1] ?? 0);
    };
    let before = -1;
    let looks = 0;
    await place.until(() => {
      const now = written();
      looks = now > 0 && now === before ? looks + 1 : 0;
      before = now;
      return looks > 50;
    });
    // What is on its way: a pipe, the rig's share, what Node's streams hold.
    expect(before).toBeLessThan(8 << 20);
    child.kill('SIGINT');
    const reader = execa('cat', [pipe], { reject: false, stdout: 'ignore' });
    expect((await child).exitCode).toBe(4);
    reader.kill();
    await reader;
    closeSync(end);
    expect(place.left('pipe')).toEqual([]);
  });

  it('goes on when nobody reads its messages any more', async (context) => {
    needsMounts(context);
    const { child } = await place.recording();
    child.stderr.destroy();
    child.stdout.destroy();
    place.look();
    execaSync('umount', [place.mountpoint]);
    expect((await child).exitCode).toBe(0);
    expect(place.kinds('o.fusecap').at(-1)).toBe('end');
    expect(place.left('o.fusecap')).toEqual([]);
  });
});
