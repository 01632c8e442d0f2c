/** The server's command line for another run. */
import { expect, it } from 'vitest';
import type { BeginEvent } from '../rig/events.ts';
import { CommandError, fillCommand, recordedCommand } from './command.ts';

const paths = { mountpoint: '/s/mnt', fixture: '/s/fix' };

function begin(command: string[], more: Partial<BeginEvent> = {}): BeginEvent {
  const server = {
    command,
    cwd: '/home',
    env: [],
    uid: 0,
    gid: 0,
    groups: [],
    umask: 0,
    limits: {},
  };
  return { kind: 'begin', t: 0, started: '', rig: '', kernel: '', abi: [], server, ...more };
}
const again = (command: string[], more: Partial<BeginEvent> = {}, mountpoint = '/mnt/x') =>
  recordedCommand(begin(command, more), mountpoint, paths);

it('fills placeholders, as often as they stand there', () => {
  expect(fillCommand(['s', '{fixture}/a:{fixture}', '-o{mountpoint}', '{x}'], paths)).toEqual([
    's',
    '/s/fix/a:/s/fix',
    '-o/s/mnt',
    '{x}',
  ]);
});

it('fills {server} with the one that comes along, as cases do', () => {
  const [program] = fillCommand(['{server}', '{mountpoint}'], paths);
  expect(program).toMatch(/\/fuse-rig-server$/);
});

it('says what to do about {fixture} without one', () => {
  const fill = () => fillCommand(['s', '{fixture}'], { ...paths, fixture: undefined });
  expect(fill).toThrow(CommandError);
  expect(fill).toThrow(/record with --fixture/);
  expect(fillCommand(['s', '{mountpoint}'], { ...paths, fixture: undefined })).toEqual([
    's',
    '/s/mnt',
  ]);
});

it.each([
  ['a whole word', '/mnt/x', '/s/mnt'],
  ['the beginning of a path', '/mnt/x/sub', '/s/mnt/sub'],
  ['the value of an option', '--mount=/mnt/x', '--mount=/s/mnt'],
  ['one of a list', 'a=/mnt/x:/other,/mnt/x', 'a=/s/mnt:/other,/s/mnt'],
  ['no part of a longer name', '/mnt/xy', '/mnt/xy'],
  ['no end of a longer path', '/srv/mnt/x', '/srv/mnt/x'],
])('exchanges the recorded mountpoint as %s', (_, word, expected) => {
  expect(again(['s', word])).toEqual(['s', expected]);
});

it('exchanges relative words, but not the name of the program or an option', () => {
  expect(again(['x', 'x', './x', '-x'], {}, '/home/x')).toEqual(['x', '/s/mnt', '/s/mnt', '-x']);
});

it('exchanges the longer path first where one lies below the other', () => {
  const nested = again(['s', '/srv', '/srv/mnt'], { fixture: '/srv' }, '/srv/mnt');
  expect(nested).toEqual(['s', '/s/fix', '/s/mnt']);
});

it('leaves the recorded fixture where this run has none', () => {
  const command = begin(['s', '/srv', '/mnt/x'], { fixture: '/srv' });
  expect(recordedCommand(command, undefined, { ...paths, fixture: undefined })).toEqual([
    's',
    '/srv',
    '/mnt/x',
  ]);
});
