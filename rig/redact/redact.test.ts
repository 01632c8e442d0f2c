// Stand-ins, messages and fixtures by generated ones: as long, the same structure, nothing of the old left.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameArb, partsArb, replyArgsArb, runs } from '../protocol/arbitraries.ts';
import { encodeReply, encodeRequest } from '../protocol/build.ts';
import { decodeDirents } from '../protocol/dirents.ts';
import { Reply, Request } from '../protocol/message.ts';
import { BEFORE_INIT } from '../protocol/negotiated.ts';
import { OPCODES } from '../protocol/opcodes.ts';
import { Contents } from './contents.ts';
import { Messages } from './messages.ts';
import { Names } from './names.ts';

const text = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString('latin1');
const bytes = (latin1: string): Uint8Array => Buffer.from(latin1, 'latin1');
const event = { t: 0, handle: 1, conn: 1, tid: 1 };

describe('names', () => {
  it('have one stand-in each, as long, that is a name and another one', () => {
    fc.assert(
      fc.property(fc.array(nameArb, { maxLength: 60 }), (list) => {
        const names = new Names();
        const given = new Map(list.map((name) => [text(name), text(names.file(name))]));
        for (const name of list) expect(text(names.file(name))).toBe(given.get(text(name)));
        expect(new Set(given.values()).size).toBe(given.size);
        for (const [name, standIn] of given) {
          expect(standIn).toHaveLength(name.length);
          if (name !== '.' && name !== '..') expect(standIn).not.toBe(name);
          expect(standIn).toMatch(/^[^/\0]+$/);
        }
      }),
      runs(300),
    );
  });

  it('stay different where there are more than letters can tell apart', () => {
    const names = new Names();
    const all = Array.from({ length: 253 * 253 }, (_, i) => {
      const [a, b] = [Math.floor(i / 253) + 1, (i % 253) + 1];
      return String.fromCharCode(a === 0x2f ? 0xfe : a, b === 0x2f ? 0xff : b);
    }).filter((name) => name !== '..');
    const given = new Set(all.slice(0, 60_000).map((name) => names.fileText(name)));
    expect(given.size).toBe(60_000);
  });

  it.each([
    ['.', '.'],
    ['..', '..'],
    ['.fuse_hidden0000000200000001', '.fuse_hidden0000000200000001'],
    ['.wh..wh..opq', '.wh..wh..opq'],
    ['.wh.secret', '.wh.aaaaaa'],
    ['secret_HIDDEN~', 'aaaaaa_HIDDEN~'],
  ])('%s becomes %s', (name, standIn) => expect(new Names().fileText(name)).toBe(standIn));

  it('keep the structure of a path, and a component its stand-in', () => {
    const names = new Names();
    expect(names.pathText('/srv/joe/../joe//x/')).toBe('/aaa/aab/../aab//a/');
    expect(names.fileText('joe')).toBe('aab');
  });

  it('of attributes keep their namespace, and what the system reads', () => {
    const names = new Names();
    const of = (name: string, value: string) => [
      text(names.xattr(bytes(name))),
      text(names.value(bytes(name), bytes(value))),
    ];
    expect(of('user.secret', 'hush')).toEqual(['user.aaaaaa', 'xxxx']);
    expect(of('security.capability', '\x01\x02')).toEqual(['security.capability', '\x01\x02']);
    expect(of('security.ima', 'hash')).toEqual(['security.ima', 'xxxx']);
    expect(of('trusted.overlay.opaque', 'y')).toEqual(['trusted.overlay.opaque', 'y']);
    expect(of('trusted.overlay.redirect', '/a/b')[1]).toMatch(/^\/\w\/\w$/);
    expect(text(names.xattrs(bytes('user.secret\0user.b\0')))).toBe('user.aaaaaa\0user.a\0');
  });
});

describe('contents', () => {
  it('depend on the place and on being zero, whatever pieces they come in', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(5000),
        fc.nat(200),
        fc.boolean(),
        (data, at, cut, flat) => {
          const contents = new Contents(flat);
          const whole = Uint8Array.from(data);
          contents.replace(whole, at);
          const pieces = Uint8Array.from(data);
          const middle = Math.min(cut, data.length);
          contents.replace(pieces.subarray(middle), at + middle);
          contents.replace(pieces.subarray(0, middle), at);
          expect(pieces).toEqual(whole);
          data.forEach((byte, i) => void expect(whole[i] === 0).toBe(byte === 0));
          const other = data.map((byte) => (byte === 0 ? 0 : 256 - byte));
          contents.replace(other, at);
          expect(other).toEqual(whole);
        },
      ),
      runs(200),
    );
  });

  it('say where they are', () => {
    const data = new Uint8Array(20).fill(1);
    new Contents(false).replace(data, 0x120);
    expect(text(data)).toBe('000000000000012\n0000');
  });
});

/** What must not be left: every text of four bytes and more that no stand-in is likely to be. */
function secrets({ ext: _, ...args }: Readonly<Record<string, unknown>>): string[] {
  return Object.values(args)
    .filter((value): value is Uint8Array => value instanceof Uint8Array && value.length > 3)
    .map(text)
    .filter((value) => /[^a0\0]/.test(value));
}

/** Records of a directory, of the names only how long they are. */
const lengths = (reply: Reply) =>
  decodeDirents(reply.body, reply.request.name === 'READDIRPLUS').map(({ name, ...rest }) => ({
    ...rest,
    length: name.length,
  }));

/** All that is a number. */
const numbers = (args: Readonly<Record<string, unknown>>) =>
  Object.entries(args).filter(([, value]) => !(value instanceof Uint8Array));

describe.each(OPCODES.map((op) => [op.name, op] as const))('%s', (_, op) => {
  const exchange = partsArb(op.request, BEFORE_INIT)
    .map((args) => new Request(encodeRequest(op, { unique: 2n, nodeid: 1n }, args)))
    .chain((request) =>
      replyArgsArb(request).map((args) => new Reply(encodeReply(request, args), request)),
    );

  it('is as long, decodes, has the same numbers and none of the names and contents', () => {
    fc.assert(
      fc.property(exchange, (reply) => {
        const { request } = reply;
        const messages = new Messages(new Names(), new Contents(false));
        const asked = messages.request({ ...event, kind: 'request', bytes: request.bytes });
        const after = new Request(asked.bytes);
        expect(asked.bytes).toHaveLength(request.bytes.length);
        expect(numbers(after.args)).toEqual(numbers(request.args));
        for (const secret of secrets(request.args)) {
          expect(text(after.body)).not.toContain(secret);
        }
        if (request.noReply) return;
        const said = messages.reply({ ...event, kind: 'reply', bytes: reply.bytes, result: 0 });
        const answered = new Reply(said.bytes, after);
        expect(said.bytes).toHaveLength(reply.bytes.length);
        expect(messages.blanked).toBe(0);
        if (op.name === 'READDIR' || op.name === 'READDIRPLUS') {
          expect(lengths(answered)).toEqual(lengths(reply));
          return;
        }
        expect(numbers(answered.args)).toEqual(numbers(reply.args));
        for (const secret of secrets(reply.args)) {
          expect(text(answered.body)).not.toContain(secret);
        }
      }),
      runs(60),
    );
  });
});

describe('what does not decode', () => {
  const messages = () => new Messages(new Names(), new Contents(false));
  const lookup = (unique: number) => {
    const header = new Uint8Array(40 + 8);
    new DataView(header.buffer).setUint32(0, 48, true);
    new DataView(header.buffer).setUint32(4, 1, true);
    new DataView(header.buffer).setUint32(8, unique, true);
    header.set(bytes('secret1'), 40);
    return header;
  };

  it('keeps nothing of an answer to nothing, of a short name, of an unknown operation', () => {
    const some = messages();
    const stray = new Uint8Array(16 + 6);
    stray.set([22, 0, 0, 0, 0, 0, 0, 0, 7], 0);
    stray.set(bytes('secret'), 16);
    const reply = some.reply({ ...event, kind: 'reply', bytes: stray, result: 22 });
    expect(text(reply.bytes.subarray(16))).toBe('xxxxxx');
    const cut = lookup(2);
    cut[47] = 0x33;
    const request = some.request({ ...event, kind: 'request', bytes: cut });
    expect(text(request.bytes.subarray(40))).toBe('xxxxxxxx');
    const unknown = lookup(4);
    unknown[4] = 99;
    const odd = some.request({ ...event, kind: 'request', bytes: unknown });
    expect(text(odd.bytes.subarray(40))).toBe('xxxxxxxx');
    expect(some.blanked).toBe(2);
  });
});
