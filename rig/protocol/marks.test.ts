/** Which bytes of a message are ids, and that they can be replaced in place. */
import { expect, test } from 'vitest';
import { buildReply, buildRequest } from './build.ts';
import { encodeDirents } from './dirents.ts';
import { type Mark, replyMarks, requestMarks, writeMark } from './marks.ts';
import { Request } from './message.ts';
import { OP, type OpName } from './opcodes.ts';

const head = { unique: 4n, nodeid: 9n, uid: 1, gid: 2, pid: 3 };
const show = (marks: readonly Mark[]) =>
  marks.map(({ role, field, value }) => `${role} ${field}=${value}`);
/** Marks behind the header's five. */
const body = (request: Request) => show(requestMarks(request).slice(5));

test('the header comes first', () => {
  expect(show(requestMarks(buildRequest('STATFS', head, {})))).toEqual([
    'unique unique=4',
    'nodeid nodeid=9',
    'uid uid=1',
    'gid gid=2',
    'pid pid=3',
  ]);
});

test('handles and owners count only while their flag is set', () => {
  expect(body(buildRequest('GETATTR', head, { fh: 5n }))).toEqual([]);
  expect(body(buildRequest('GETATTR', head, { getattr_flags: 1, fh: 5n }))).toEqual(['fh fh=5']);
  expect(body(buildRequest('READ', head, { fh: 5n, offset: 7n, lock_owner: 6n }))).toEqual([
    'fh fh=5',
  ]);
  expect(body(buildRequest('READ', head, { fh: 5n, read_flags: 2, lock_owner: 6n }))).toEqual([
    'fh fh=5',
    'lock-owner lock_owner=6',
  ]);
  expect(body(buildRequest('SETATTR', head, { valid: 64 | 2, fh: 5n, uid: 8, gid: 9 }))).toEqual([
    'fh fh=5',
    'uid uid=8',
  ]);
});

test('second nodes, their handles and cookies are marked', () => {
  const copy = buildRequest('COPY_FILE_RANGE', head, { fh_in: 1n, nodeid_out: 2n, fh_out: 3n });
  const marks = requestMarks(copy).slice(5);
  expect(show(marks)).toEqual(['fh fh_in=1', 'nodeid nodeid_out=2', 'fh fh_out=3']);
  expect(marks.map((mark) => mark.of)).toEqual([undefined, undefined, 'nodeid_out']);

  expect(body(buildRequest('READDIR', head, { fh: 1n, offset: 2n }))).toEqual([
    'fh fh=1',
    'cookie offset=2',
  ]);
  expect(body(buildRequest('RENAME2', head, { newdir: 3n, oldname: 'a', newname: 'b' }))).toEqual([
    'nodeid newdir=3',
  ]);
  const forgets = [
    { nodeid: 5n, nlookup: 1n },
    { nodeid: 6n, nlookup: 2n },
  ];
  expect(body(buildRequest('BATCH_FORGET', head, { forgets }))).toEqual([
    'nodeid nodeid=5',
    'nodeid nodeid=6',
  ]);
});

test('replies are marked too, directory records included', () => {
  const create = buildRequest('CREATE', head, { name: 'n' });
  const made = buildReply('CREATE', create, { nodeid: 7n, fh: 8n, backing_id: 3 });
  const ids = replyMarks(made).filter(({ role }) => role === 'nodeid' || role === 'fh');
  expect(show(ids)).toEqual(['nodeid nodeid=7', 'fh fh=8']);
  expect(show(replyMarks(made)).some((mark) => mark.startsWith('backing-id'))).toBe(false);

  const dir = buildRequest('READDIRPLUS', head, { size: 4096 });
  const name = new Uint8Array([0x61]);
  const entries = encodeDirents(
    [
      { ino: 1n, off: 10n, type: 4, name, entry: { nodeid: 21n } },
      { ino: 2n, off: 20n, type: 8, name, entry: { nodeid: 22n } },
    ],
    true,
  );
  const list = replyMarks(buildReply('READDIRPLUS', dir, { entries }));
  const shown = list.filter(({ role }) => role === 'nodeid' || role === 'cookie');
  expect(show(shown)).toEqual([
    'nodeid nodeid=21',
    'cookie off=10',
    'nodeid nodeid=22',
    'cookie off=20',
  ]);
});

test('a mark can be replaced where it lies', () => {
  const request = buildRequest('LOOKUP', head, { name: 'n' });
  const bytes = request.bytes.slice();
  for (const mark of requestMarks(request)) {
    if (mark.role === 'nodeid') writeMark(bytes, mark, 2n ** 63n);
    if (mark.role === 'uid') writeMark(bytes, mark, 0xffffffff);
  }
  const changed = new Request(bytes);
  expect([changed.nodeid, changed.uid, changed.gid]).toEqual([2n ** 63n, 0xffffffff, 2]);
});

test('every operation on a handle marks it', () => {
  const handled = [
    'READ',
    'WRITE',
    'RELEASE',
    'FSYNC',
    'FLUSH',
    'READDIR',
    'RELEASEDIR',
    'FSYNCDIR',
  ];
  const more = ['GETLK', 'SETLK', 'SETLKW', 'IOCTL', 'POLL', 'FALLOCATE', 'READDIRPLUS', 'LSEEK'];
  for (const name of [...handled, ...more, 'SETUPMAPPING'] as OpName[]) {
    const request = buildRequest(name, head, { fh: 77n } as object);
    expect(body(request), OP[name].name).toContain('fh fh=77');
  }
});
