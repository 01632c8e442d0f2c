/** FUSE mounts in /proc/PID/mountinfo: which lines are theirs, and odd names in them. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fuseMounts, parseMountinfo, withoutLinks } from './mountinfo.ts';

const line = (id: number, dev: string, target: string, type: string) =>
  `${id} 27 ${dev} / ${target} rw,nosuid,relatime shared:5 - ${type} src rw,user_id=0`;

it('takes FUSE mounts, with subtypes and block devices, and no others', () => {
  const content = [
    line(30, '0:40', '/a', 'fuse'),
    line(31, '0:41', '/b', 'fuse.bindfs'),
    line(32, '8:1', '/c', 'fuseblk'),
    line(33, '0:43', '/d', 'fusectl'),
    line(34, '0:44', '/e', 'ext4'),
    line(35, '0:45', '/f', 'fuseblk.ntfs'),
    '',
  ].join('\n');
  expect(parseMountinfo(content).map(({ id, dev, target }) => [id, dev, target])).toEqual([
    [30, 40, '/a'],
    [31, 41, '/b'],
    [32, 8 * 2 ** 20 + 1, '/c'],
    [35, 45, '/f'],
  ]);
});

it('reads the names that the kernel escapes, and lines without optional fields', () => {
  const content = '30 27 0:40 / /a\\040b\\011c\\134d\\012e rw - fuse.x src rw\n';
  expect(parseMountinfo(content)).toEqual([
    { id: 30, dev: 40, target: '/a b\tc\\d\ne', fstype: 'fuse.x' },
  ]);
});

it.each(['', '\n\n', 'nonsense', ' - fuse', '1 2 3 - fuse x y'])(
  'makes nothing up of %j',
  (content) => {
    for (const mount of parseMountinfo(content)) expect(mount.target).toBe('');
  },
);

it('has no mounts for a thread that is gone, and reads its own', () => {
  expect(fuseMounts(2 ** 30)).toEqual([]);
  expect(Array.isArray(fuseMounts('self'))).toBe(true);
});

it('names a mountpoint behind a link as mountinfo will', () => {
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-links-'));
  try {
    mkdirSync(join(dir, 'real'));
    symlinkSync('real', join(dir, 'link'));
    expect(withoutLinks(join(dir, 'link'))).toBe(withoutLinks(join(dir, 'real')));
    expect(withoutLinks(join(dir, 'none'))).toBe(join(dir, 'none'));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
