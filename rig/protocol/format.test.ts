/** One-line views: what people read in `show` and in reports. */
import { describe, expect, it, test } from 'vitest';
import { buildReply, buildRequest } from './build.ts';
import { writeU32 } from './cursor.ts';
import { encodeDirents } from './dirents.ts';
import { encodeExtensions } from './extensions.ts';
import { FATTR, formatFlags, formatMode, OPEN_FLAGS, STATX_MASK } from './flags.ts';
import { formatReply, formatRequest } from './format.ts';
import { bareReply } from './header.ts';
import { Reply, Request } from './message.ts';
import { quoteBytes, quoteName } from './view.ts';

const head = { unique: 4n, nodeid: 5n };
const text = (value: string) => new TextEncoder().encode(value);

describe('requests', () => {
  it.each([
    [
      buildRequest('READ', head, { fh: 3n, offset: 4096n, size: 4096, flags: 0x8000 }),
      'READ node=5 fh=0x3 offset=4096 size=4096 flags=O_RDONLY|O_LARGEFILE',
    ],
    [buildRequest('LOOKUP', head, { name: 'a file' }), 'LOOKUP node=5 name="a file"'],
    [
      buildRequest('WRITE', head, { data: 'hi\n', write_flags: 1 }),
      'WRITE node=5 fh=0x0 offset=0 size=3 write_flags=CACHE flags=O_RDONLY data="hi\\n"',
    ],
    [
      buildRequest('MKDIR', head, { mode: 0o40755, umask: 0o22, name: 'd' }),
      'MKDIR node=5 mode=S_IFDIR|0755 umask=0022 name="d"',
    ],
    [
      buildRequest('SETATTR', head, { valid: 1 | 8, mode: 0o100600, size: 7n }),
      'SETATTR node=5 valid=MODE|SIZE size=7 mode=S_IFREG|0600',
    ],
    [buildRequest('INTERRUPT', { unique: 5n }, { unique: 4n }), 'INTERRUPT unique=4'],
    [buildRequest('DESTROY', { unique: 6n }, {}), 'DESTROY'],
    [
      buildRequest('BATCH_FORGET', { unique: 8n }, { forgets: [{ nodeid: 2n, nlookup: 3n }] }),
      'BATCH_FORGET count=1 forgets=[{nodeid=2 nlookup=3}]',
    ],
    [
      buildRequest('SYMLINK', head, {
        name: 'l',
        target: 't',
        ext: encodeExtensions([
          { kind: 'secctx', contexts: [{ name: text('security.x'), value: text('v') }] },
          { kind: 'groups', groups: [4, 27] },
        ]),
      }),
      'SYMLINK node=5 name="l" target="t" secctx=["security.x":"v"] groups=[4 27]',
    ],
  ])('%#: %o', (request, line) => {
    expect(formatRequest(request)).toBe(line);
  });

  it('tell what is wrong with them', () => {
    const bytes = buildRequest('READ', head, {}).bytes.slice(0, 60);
    writeU32(bytes, 0, 60);
    expect(formatRequest(new Request(bytes))).toBe(
      'READ node=5 malformed: read_in.read_flags at offset 40: needs 40 bytes, 20 are available',
    );
  });
});

describe('replies', () => {
  const read = buildRequest('READ', head, { size: 4096 });

  it('show errors by name', () => {
    expect(formatReply(new Reply(bareReply(4n, -2), read))).toBe('= -ENOENT');
    expect(formatReply(new Reply(bareReply(4n, -511), read))).toBe('= -511');
    expect(formatReply(new Reply(bareReply(4n, 5), read))).toBe('= 5?');
  });

  it('show data up to a limit', () => {
    const reply = buildReply('READ', read, { data: '\x7fELF\x01'.padEnd(40, '-') });
    expect(formatReply(reply)).toBe(`= 40 "\\x7fELF\\x01${'-'.repeat(27)}"...`);
    expect(formatReply(reply, { data: 4 })).toBe('= 40 "\\x7fELF"...');
    expect(formatReply(buildReply('READ', read, {}))).toBe('= 0 ""');
  });

  it('show structures without padding, and times only when asked', () => {
    const lookup = buildRequest('LOOKUP', head, { name: 'n' });
    const reply = buildReply('LOOKUP', lookup, {
      nodeid: 6n,
      entry_valid: 1n,
      attr: { ino: 6n, mode: 0o100644, nlink: 1, mtime: 1700000000n },
    });
    expect(formatReply(reply)).toBe(
      '= 128 nodeid=6 attr={ino=6 size=0 blocks=0 mode=S_IFREG|0644 nlink=1 uid=0 gid=0 rdev=0x0 blksize=0}',
    );
    expect(formatReply(reply, { times: true })).toContain('entry_valid=1 attr={ino=6 size=0');
    expect(formatReply(reply, { times: true })).toContain('mtime=1700000000');
  });

  it('show directories and lists of names', () => {
    const dir = buildRequest('READDIR', head, { size: 4096 });
    const name = (value: string) => ({ ino: 1n, off: 1n, type: 4, name: text(value) });
    const entries = encodeDirents([name('.'), name('größe')], false);
    expect(formatReply(buildReply('READDIR', dir, { entries }))).toBe('= 64 ["." "größe"]');
    const list = buildRequest('LISTXATTR', head, { size: 100 });
    const reply = buildReply('LISTXATTR', list, { names: 'user.a\0user.b\0' });
    expect(formatReply(reply)).toBe('= 14 ["user.a" "user.b"]');
  });

  it('tell what is wrong with them', () => {
    const stat = buildRequest('GETATTR', head, {});
    expect(formatReply(new Reply(bareReply(4n, 0), stat))).toBe(
      '= 0 malformed: attr_out.attr_valid at offset 16: needs 104 bytes, 0 are available',
    );
  });
});

test('names are shown as text where that is lossless', () => {
  expect(quoteName(text('plain'))).toBe('"plain"');
  expect(quoteName(text('größe 2'))).toBe('"größe 2"');
  expect(quoteName(new Uint8Array([0x61, 0xff]))).toBe('"a\\xff"');
  expect(quoteName(text('a"b\\c\n'))).toBe('"a\\"b\\\\c\\n"');
  expect(quoteName(text('\u202etxt'))).toBe('"\\xe2\\x80\\xaetxt"');
  expect(quoteBytes(new Uint8Array([0, 9, 255]), 2)).toBe('"\\x00\\t"...');
});

test('flags are names joined by |, unknown bits in hexadecimal', () => {
  expect(formatFlags(OPEN_FLAGS, 0)).toBe('O_RDONLY');
  expect(formatFlags(OPEN_FLAGS, 0o2 | 0o100 | 0o1000)).toBe('O_RDWR|O_CREAT|O_TRUNC');
  expect(formatFlags(OPEN_FLAGS, 0o4010001)).toBe('O_WRONLY|O_SYNC');
  expect(formatFlags(OPEN_FLAGS, 0o20200002)).toBe('O_RDWR|O_TMPFILE');
  expect(formatFlags(OPEN_FLAGS, 0x80000000)).toBe('O_RDONLY|0x80000000');
  expect(formatFlags(FATTR, 0)).toBe('0');
  expect(formatFlags(STATX_MASK, 0xfff)).toBe('BASIC_STATS|BTIME');
  expect(formatFlags(FATTR, (1n << 40n) | 1n)).toBe('MODE|0x10000000000');
  expect([0, 0o644, 0o4755, 0o100644, 0o41777].map(formatMode)).toEqual([
    '0000',
    '0644',
    '04755',
    'S_IFREG|0644',
    'S_IFDIR|01777',
  ]);
});
