/**
 * What happens to the command line while a session runs: signals, terminals and readers that go, full
 * disks, servers that talk too much. Nothing already captured is lost, nothing is left behind.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { execa, execaSync } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isRoot, needsMounts, Place, SERVER, SMALL } from './testing/place.ts';

vi.setConfig({ testTimeout: 60_000 });

let place: Place;
beforeEach(() => {
  place = new Place();
  writeFileSync(place.at('src/file'), 'hello\n');
});
afterEach(() => place.remove());

describe('fuse-rig record', () => {
  it.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'unmounts on %s, waits for the server and keeps the capture',
    async (signal, context) => {
      needsMounts(context);
      const { child } = await place.recording();
      expect(place.look()).toBe('file');
      child.kill(signal);
      const { exitCode, stderr } = await child;
      expect({ exitCode, stderr }).toEqual({
        exitCode: 0,
        stderr: expect.stringMatching(/^stopping: unmounting.*\n.* requests .*by interrupt$/),
      });
      expect(place.kinds('o.fusecap').at(-1)).toBe('end');
      expect(place.left('o.fusecap')).toEqual([]);
    },
  );

  it('unmounts every mount of the server on SIGINT', async (context) => {
    needsMounts(context);
    const second = place.at('mnt2');
    mkdirSync(second);
    const command = [SERVER, '--mounts', '2', '--fs', `passthrough=${place.source}`];
    const file = place.at('o.fusecap');
    const child = place.type(['record', '-o', file, '--', ...command, place.mountpoint, second]);
    await place.until(() => place.mounts() === 2);
    const looked = execaSync('ls', [second], { timeout: 10_000 }).stdout;
    child.kill('SIGINT');
    const { exitCode, stderr } = await child;
    expect({ looked, exitCode, stderr }).toEqual({
      looked: 'file',
      exitCode: 0,
      stderr: expect.stringMatching(/requests .*server exit 0 {2}ended by interrupt$/),
    });
    expect(place.left('o.fusecap', 'mnt2')).toEqual([]);
  });

  it('kills a server that does not end when asked a second time', async (context) => {
    needsMounts(context);
    const { child } = await place.recording();
    const [server] = place.processes().filter((pid) => {
      return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'fuse-rig-server\n';
    });
    process.kill(server as number, 'SIGSTOP');
    child.kill('SIGINT');
    await place.until(() => place.mounts() === 0);
    child.kill('SIGINT');
    const { exitCode, stderr } = await child;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: expect.stringMatching(
        /\nkilling the server\n.*server signal 9 {2}ended by interrupt$/,
      ),
    });
    expect(place.left('o.fusecap')).toEqual([]);
  });

  it('stopped before anything was mounted leaves nothing', async () => {
    const child = place.type(['record', '-o', place.at('o.fusecap'), '--', 'sleep', '600']);
    await place.until(() => place.processes().some((pid) => comm(pid) === 'sleep'));
    child.kill('SIGINT');
    const { exitCode, stderr } = await child;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 4,
      stderr: expect.stringMatching(/stopped before the server had mounted; nothing was captured$/),
    });
    expect(place.left()).toEqual([]);
  });

  it('on a disk that fills up says so, cleans up, and loses nothing captured', async (context) => {
    needsMounts(context);
    mkdirSync(place.at('small'));
    execaSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'none', place.at('small')]);
    const command = [SERVER, '--fs', `passthrough=${place.source}`, place.mountpoint];
    const file = place.at('small/o.fusecap');
    const child = place.type(['record', '-o', file, '--', ...command]);
    // One mount is the small disk.
    await place.until(() => place.mounts() === 2);
    const target = place.at('mnt/big');
    const dd = ['if=/dev/zero', `of=${target}`, 'bs=64k', 'count=20'];
    await execa('dd', dd, { reject: false, timeout: 20_000 });
    const { exitCode, stderr } = await child;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 4,
      stderr: expect.stringMatching(
        /^fuse-rig: .*disk is full.*frames written stay readable: make/,
      ),
    });
    expect(place.kinds('small/o.fusecap.partial')).toContain('reply');
    await place.until(() => place.processes().length === 0);
    execaSync('umount', [place.at('small')]);
    expect(place.left('small')).toEqual([]);
  });

  it('twice to one file: the second is refused, the first is not disturbed', async (context) => {
    needsMounts(context);
    const { child } = await place.recording();
    const again = await place.type(['record', '-o', place.at('o.fusecap'), '--', 'true']);
    expect({ exitCode: again.exitCode, stderr: again.stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/o.fusecap.partial: exists: a recorder is writing it/),
    });
    expect(place.look()).toBe('file');
    execaSync('umount', [place.mountpoint]);
    expect((await child).exitCode).toBe(0);
    expect(place.left('o.fusecap')).toEqual([]);
  });

  it('names the mount that an ordinary user was refused', async (context) => {
    context.skip(!isRoot, 'only root can become somebody else');
    chmodSync(place.dir, 0o777);
    const command = [SERVER, '--fs', 'passthrough=src', place.mountpoint];
    const { exitCode, stderr } = await place.type(['record', '-o', 'o.fusecap', '--', ...command], {
      ordinary: true,
      env: { PATH: '/nonexistent' },
    });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 77,
      stderr: expect.stringMatching(
        /fuse-rig: the mount on .*mnt failed with E\w+ .*run: fuse-rig doc/,
      ),
    });
    expect(place.left()).toEqual([]);
  });
});

describe('fuse-rig replay', () => {
  const waiting = () => place.processes().some((pid) => comm(pid) === 'sleep');

  it('stopped concludes nothing, and leaves nothing', async () => {
    copyFileSync(SMALL, place.at('x.fusecap'));
    const child = place.type(['replay', 'x.fusecap', '--', 'sleep', '600']);
    await place.until(waiting);
    child.kill('SIGINT');
    const { exitCode, stdout, stderr } = await child;
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 6,
      stdout: '',
      stderr: 'stopping: the server is killed\nfuse-rig: stopped: nothing is concluded',
    });
    expect(place.left('x.fusecap')).toEqual([]);
  });

  it('on a full disk says which directory to change', async (context) => {
    needsMounts(context);
    writeFileSync(place.at('src/large'), Buffer.alloc(1 << 20, 7));
    const { child } = await place.recording(['--fixture', place.source]);
    execaSync('umount', [place.mountpoint]);
    expect((await child).exitCode).toBe(0);
    mkdirSync(place.at('small'));
    execaSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'none', place.at('small')]);
    const env = { TMPDIR: place.at('small') };
    const { exitCode, stderr } = await place.type(['replay', 'o.fusecap'], { env });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/^fuse-rig: cannot restore .*ENOSPC; set TMPDIR/),
    });
    expect(execaSync('ls', [place.at('small')]).stdout).toBe('');
    execaSync('umount', [place.at('small')]);
    expect(place.left('o.fusecap', 'small')).toEqual([]);
  });

  it('as an ordinary user names what only root can restore', async (context) => {
    needsMounts(context);
    execaSync('mknod', [place.at('src/null'), 'c', '1', '3']);
    const { child } = await place.recording(['--fixture', place.source]);
    execaSync('umount', [place.mountpoint]);
    expect((await child).exitCode).toBe(0);
    for (const path of [place.dir, place.tmp]) chmodSync(path, 0o777);
    chmodSync(place.at('o.fusecap'), 0o644);
    const { exitCode, stderr } = await place.type(['replay', '--allow-devices', 'o.fusecap'], {
      ordinary: true,
    });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 77,
      stderr: expect.stringMatching(/^fuse-rig: [^\n]*root[^\n]*$/),
    });
    expect(place.left('o.fusecap')).toEqual([]);
  });
});

describe('the progress line', () => {
  const hasScript = existsSync('/usr/bin/script');
  const typed = ['replay', SMALL, '--', SERVER, '--fs', 'memory', '{mountpoint}'];

  it('is not shown to what is no terminal', async () => {
    const { exitCode, stderr } = await place.type(typed);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('is shown on a terminal, and taken away', async (context) => {
    context.skip(!hasScript, 'script(1) is not installed');
    const words = [process.execPath, new URL('./bin.mjs', import.meta.url).pathname, ...typed];
    const line = words.map((word) => `'${word}'`).join(' ');
    const { stdout } = await execa('script', ['-qec', line, '/dev/null'], { stdin: 'ignore' });
    expect(stdout).toContain('\r\x1b[Kreplaying  ');
    expect(stdout.split('\r\x1b[K').at(-1)).toMatch(/small\.fusecap {2}60 requests/);
  });

  it('a terminal that is closed ends the session, keeps the capture, and dumps no core', async (context) => {
    needsMounts(context);
    context.skip(!hasScript, 'script(1) is not installed');
    const bin = new URL('./bin.mjs', import.meta.url).pathname;
    const args = ['record', '-o', place.at('o.fusecap'), '--', SERVER, '--fs', 'memory'];
    const words = [process.execPath, bin, ...args, place.mountpoint];
    // Only the session leader is told of the hangup; a shell tells its jobs.
    const line = `${words.map((word) => `'${word}'`).join(' ')} &
      trap "kill -HUP $!" HUP; wait $!; wait $!; echo $? > '${place.at('code')}'`;
    const terminal = execa('script', ['-qc', line, '/dev/null'], {
      env: { FUSE_RIG_PLACE: place.dir, TMPDIR: place.tmp, SHELL: '/bin/sh' },
      stdin: 'ignore',
      reject: false,
    });
    await place.until(() => place.mounts() > 0);
    terminal.kill('SIGKILL');
    await terminal;
    await place.until(() => place.mounts() === 0 && place.processes().length === 0);
    expect(place.kinds('o.fusecap').at(-1)).toBe('end');
    expect(place.left('o.fusecap', 'code')).toEqual([]);
    // Of the hangup, as a shell expects; 134 would be node's abort over a terminal it cannot reset.
    expect(readFileSync(place.at('code'), 'utf8').trim()).toBe('129');
  });
});

function comm(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}
