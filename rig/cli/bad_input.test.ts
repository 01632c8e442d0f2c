/**
 * Everything a person can get wrong before a session begins, as a table over the built command line:
 * one line that says what to do, exit code 2 (4 where a place cannot be written, 77 where the machine
 * lacks something), and nothing left behind.
 */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { execaSync } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isRoot, Place, SERVER, SMALL } from './testing/place.ts';

vi.setConfig({ testTimeout: 60_000 });

let place: Place;
const KNOWN = [
  'good.fusecap',
  'cut.fusecap',
  'bad.fusecap',
  'version.fusecap',
  'half.fusecap.partial',
];
KNOWN.push('dir', 'fifo', 'empty', 'readonly', 'old.fusecap.partial');

beforeAll(() => {
  place = new Place();
  const small = readFileSync(SMALL);
  copyFileSync(SMALL, place.at('good.fusecap'));
  writeFileSync(place.at('cut.fusecap'), small.subarray(0, 9000));
  const bad = Buffer.from(small);
  bad.fill(0x58, 30_000, 30_004);
  writeFileSync(place.at('bad.fusecap'), bad);
  writeFileSync(place.at('half.fusecap.partial'), small.subarray(0, 9000));
  writeFileSync(place.at('old.fusecap.partial'), small.subarray(0, 9000));
  writeFileSync(place.at('empty'), '');
  mkdirSync(place.at('dir'));
  mkdirSync(place.at('readonly'), 0o555);
  execaSync('mkfifo', [place.at('fifo')]);
  chmodSync(place.dir, 0o777);
  chmodSync(place.tmp, 0o777);
});
afterAll(() => place.remove());

/** [what, arguments, exit code, what the line says] */
type Case = [string, string[], number, RegExp];

const MEMORY = ['--', SERVER, '--fs', 'memory', '{mountpoint}'];

const REPLAY: Case[] = [
  [
    'a file that is not there',
    ['none.fusecap'],
    2,
    /ENOENT: there is no such file; name a capture/,
  ],
  [
    'a capture that is cut',
    ['cut.fusecap', ...MEMORY],
    2,
    /truncated: .*fuse-rig recover .*cut.fusecap OUT$/,
  ],
  [
    'a damaged capture',
    ['bad.fusecap', ...MEMORY],
    2,
    /damaged: .*checksum.*fuse-rig recover .* OUT$/,
  ],
  ['a .partial', ['half.fusecap.partial'], 2, /incomplete: .*run: fuse-rig recover .*partial$/],
  ['the name of a .partial', ['half.fusecap'], 2, /incomplete: .*run: fuse-rig recover .*partial$/],
  ['a directory', ['dir'], 2, /not a file; name a capture/],
  ['a FIFO', ['fifo'], 2, /not a file; name a capture/],
  ['an empty file', ['empty'], 2, /not a fuse-rig capture \(it is empty.*name a file/],
  ['a seed that is none', ['--seed', 'x', 'good.fusecap'], 2, /--seed x: not a number; give/],
  ['an end that is none', ['--end', 'x', 'good.fusecap'], 2, /'x' is invalid. Allowed choices/],
  ['an option that is none', ['--foo', 'good.fusecap'], 2, /unknown option '--foo'/],
  ['a directory as --log', ['--log', 'dir', 'good.fusecap'], 2, /--log dir: .*name a file/],
  ['--log in no directory', ['--log', 'no/log', 'good.fusecap'], 2, /--log no\/log: .*name a file/],
  [
    'a --unique-base that is none',
    ['--unique-base', '-1', 'good.fusecap'],
    2,
    /--unique-base -1: not a number; give one such as --unique-base 4294967296/,
  ],
  ['a --cwd that is not there', ['--cwd', 'no', 'good.fusecap'], 2, /--cwd no: no such directory/],
  [
    'a --cwd that is a file',
    ['--cwd', 'empty', 'good.fusecap'],
    2,
    /--cwd empty: no such directory/,
  ],
  [
    '--keep-fixture onto something',
    ['--keep-fixture', 'dir', 'good.fusecap'],
    2,
    /it is there already; name a new/,
  ],
  [
    '--keep-fixture twice',
    ['--keep-fixture', 'x', '--twice', 'good.fusecap'],
    2,
    /there are two with --twice/,
  ],
  [
    '--keep-fixture without one',
    ['--keep-fixture', 'x', 'good.fusecap'],
    2,
    /has none; record with/,
  ],
  ['--share without --root', ['--share', 'dir', 'good.fusecap'], 2, /no --root to share it with/],
  ['--root nowhere', ['--root', 'no', 'good.fusecap'], 2, /--root .*no: no such directory; name/],
  ['--root /', ['--root', '/', 'good.fusecap'], 2, /--root \/: .*the machine's own root; leave/],
  [
    '--share nothing',
    ['--root', 'dir', '--share', 'no', 'good.fusecap'],
    2,
    /--share .*no: no such path; name one/,
  ],
  ['no such server', ['good.fusecap', '--', './no'], 2, /cannot start .\/no: ENOENT; name an exec/],
  [
    'a directory as server',
    ['good.fusecap', '--', './dir'],
    2,
    /cannot start .\/dir: EACCES; name/,
  ],
  ['a server not executable', ['good.fusecap', '--', './empty'], 2, /cannot start .*EACCES; name/],
  [
    '{fixture} without one',
    ['good.fusecap', '--', SERVER, '{fixture}'],
    2,
    /record with --fixture/,
  ],
];

const bind = (...words: string[]) => ['--', SERVER, '--fs', 'passthrough=src', ...words];
const RECORD: Case[] = [
  ['no output', bind('mnt'), 2, /required option '-o/],
  ['no command', ['-o', 'o.fusecap', '--'], 2, /missing required argument 'command'/],
  ['no such server', ['-o', 'o.fusecap', '--', './no'], 2, /cannot start .\/no: ENOENT; name an/],
  ['a directory as server', ['-o', 'o.fusecap', '--', './dir'], 2, /cannot start .*EACCES; name/],
  [
    'a server not executable',
    ['-o', 'o.fusecap', '--', './empty'],
    2,
    /cannot start .*EACCES; name/,
  ],
  [
    'what is no server',
    ['-o', 'o.fusecap', '--', 'true'],
    4,
    /\(exit 0\) without opening \/dev\/fuse/,
  ],
  [
    'an output that exists',
    ['-o', 'good.fusecap', ...bind('mnt')],
    2,
    /exists; give another name or/,
  ],
  [
    'a .partial that exists',
    ['-o', 'old.fusecap', ...bind('mnt')],
    2,
    /partial: exists: .*fuse-rig rec/,
  ],
  [
    'a directory as output',
    ['-o', 'dir', '--force', ...bind('mnt')],
    2,
    /exists and is not a file/,
  ],
  [
    'an output in no directory',
    ['-o', 'no/o', ...bind('mnt')],
    4,
    /ENOENT: its directory does not ex/,
  ],
  ['an output below a file', ['-o', 'empty/o', ...bind('mnt')], 4, /ENOTDIR: .*name another/],
  [
    '--fixture not there',
    ['-o', 'o.fusecap', '--fixture', 'no', ...bind('mnt')],
    2,
    /no such fixture/,
  ],
  [
    'a FIFO as fixture',
    ['-o', 'o.fusecap', '--fixture', 'fifo', ...bind('mnt')],
    2,
    /is a fifo; a fix/,
  ],
  [
    'a descriptor that is none',
    ['-o', 'o.fusecap', '--fd', 'x', ...bind('mnt')],
    2,
    /--fd x: not a desc/,
  ],
  ['a mountpoint not there', ['-o', 'o.fusecap', ...bind('no')], 4, /nothing was captured$/],
];

describe.each([
  ['replay', REPLAY],
  ['record', RECORD],
] as const)('fuse-rig %s', (command, cases) => {
  it.each(cases)('of %s', async (_, args, code, says) => {
    const { exitCode, stderr } = await place.type([command, ...args]);
    const lines = stderr.split('\n').filter((line) => line.startsWith('fuse-rig: '));
    expect({ exitCode, lines }).toEqual({ exitCode: code, lines: [expect.stringMatching(says)] });
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(place.left(...KNOWN)).toEqual([]);
  });
});

describe('fuse-rig, where something is missing', () => {
  it('says which TMPDIR it cannot use', async () => {
    const env = { TMPDIR: place.at('no') };
    const { exitCode, stderr } = await place.type(['replay', 'good.fusecap'], { env });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/scratch directory in .*no: ENOENT; name a writable directory/),
    });
  });

  it('says that its directory was removed', async () => {
    const gone = place.at('gone');
    mkdirSync(gone);
    const type = ['-c', 'cd gone && rmdir ../gone && exec "$@"', 'sh', process.execPath];
    const bin = new URL('./bin.mjs', import.meta.url).pathname;
    const { exitCode, stderr } = execaSync('sh', [...type, bin, 'replay', '../good.fusecap'], {
      cwd: place.dir,
      reject: false,
    });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 4,
      stderr: 'fuse-rig: the current directory was removed; change to one that exists',
    });
  });

  it('keeps the capture it was told to replace when nothing comes of the recording', async () => {
    const args = ['record', '--force', '-o', 'good.fusecap', '--', 'false'];
    expect((await place.type(args)).exitCode).toBe(4);
    expect(readFileSync(place.at('good.fusecap')).equals(readFileSync(SMALL))).toBe(true);
    expect(place.left(...KNOWN)).toEqual([]);
  });

  it('an ordinary user is told what may not be read or written', async (context) => {
    context.skip(!isRoot, 'only root can become somebody else');
    chmodSync(place.at('cut.fusecap'), 0o600);
    const read = await place.type(['replay', 'cut.fusecap'], { ordinary: true });
    expect({ exitCode: read.exitCode, stderr: read.stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/EACCES: permission denied; captures are readable only/),
    });
    const write = await place.type(['record', '-o', 'readonly/o', ...bind('mnt')], {
      ordinary: true,
    });
    expect({ exitCode: write.exitCode, stderr: write.stderr }).toEqual({
      exitCode: 4,
      stderr: expect.stringMatching(/EACCES: permission denied; name one that you may write to/),
    });
    expect(place.left(...KNOWN)).toEqual([]);
    rmdirSync(place.at('readonly'));
  });
});
