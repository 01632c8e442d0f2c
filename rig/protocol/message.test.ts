/**
 * Every row of the opcode table round-trips, for today's protocol and for old minors; bytes that do
 * not fit give a ProtocolError with a place in it, and nothing else.
 */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { replyArgsArb, requestArb, runs } from './arbitraries.ts';
import { buildReply, buildRequest, encodeReply, encodeRequest } from './build.ts';
import { concat, ProtocolError, writeU16, writeU32 } from './cursor.ts';
import { formatReply, formatRequest } from './format.ts';
import { bareReply } from './header.ts';
import { INIT_FLAG } from './init-flags.ts';
import { replyMarks, requestMarks } from './marks.ts';
import { Reply, Request } from './message.ts';
import { BEFORE_INIT, type Negotiated } from './negotiated.ts';
import { OP, OPCODES, type OpName } from './opcodes.ts';
import { STRUCTS } from './structs.ts';

const old = (minor: number, flags = 0n): Negotiated => ({ ...BEFORE_INIT, minor, flags });

/** A copy with `len` in its header set to its length. */
function relen(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  writeU32(copy, 0, copy.length);
  return copy;
}

const STRUCT_NAMES = new Set([
  ...STRUCTS.map((layout) => layout.name),
  ...OPCODES.map((op) => op.name),
]);

/** Runs `read`; true when it threw a ProtocolError that names a known structure and a field. */
function misfit(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    expect([...STRUCT_NAMES]).toContain(error.struct);
    expect(error.field).not.toBe('');
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.message).toContain(`${error.struct}.${error.field} at offset ${error.offset}`);
    return true;
  }
}

/** Everything that reads a message; views must never throw at all. */
function readAll(bytes: Uint8Array, negotiated: Negotiated): void {
  const request = new Request(bytes, negotiated);
  expect(formatRequest(request)).not.toBe('');
  void [request.args, request.background, request.force, request.replyLimits];
  void request.replyParts;
  requestMarks(request);
}

describe.each(OPCODES.map((op) => [op.name, op] as const))('%s', (_, op) => {
  it('request and reply return what they were built from', () => {
    const pair = requestArb(op).chain((made) =>
      replyArgsArb(made.request).map((reply) => ({ ...made, reply })),
    );
    fc.assert(
      fc.property(pair, ({ request, args, reply }) => {
        expect(request.args).toEqual(args);
        readAll(request.bytes, request.negotiated);

        const answer = new Reply(encodeReply(request, reply), request);
        expect(answer.args).toEqual(reply);
        expect(formatReply(answer)).toMatch(/^= \d+/);
        replyMarks(answer);
        const { min, max } = request.replyLimits ?? { min: 0, max: 0 };
        expect(answer.body.length).toBeGreaterThanOrEqual(min);
        expect(answer.body.length).toBeLessThanOrEqual(max);
      }),
      runs(40),
    );
  });

  it('a request that is cut short or too long is refused', () => {
    const broken = fc.record({
      made: requestArb(op),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
      more: fc.uint8Array({ minLength: 1, maxLength: 20 }),
    });
    fc.assert(
      fc.property(broken, ({ made: { request }, cut, more }) => {
        const { bytes, negotiated } = request;
        const size = Math.floor(cut * bytes.length);
        // The header still tells the old length.
        expect(misfit(() => readAll(bytes.subarray(0, size), negotiated))).toBe(
          size < bytes.length,
        );
        if (size >= 40 && size < bytes.length) {
          const short = relen(bytes.subarray(0, size));
          // Only INIT may be shorter: older kernels sent less.
          const allowed = op.name === 'INIT' && size >= 48;
          expect(misfit(() => readAll(short, negotiated))).toBe(!allowed);
        }
        const long = concat([bytes, more]);
        expect(misfit(() => readAll(long, negotiated))).toBe(true);
        expect(misfit(() => readAll(relen(long), negotiated))).toBe(true);
      }),
      runs(40),
    );
  });

  it('shifted or random bytes never give another exception', () => {
    const odd = fc.record({
      made: requestArb(op),
      shift: fc.integer({ min: 1, max: 16 }),
      noise: fc.uint8Array({ maxLength: 200 }),
      extlen: fc.integer({ min: 0, max: 40 }),
    });
    fc.assert(
      fc.property(odd, ({ made: { request }, shift, noise, extlen }) => {
        const head = request.bytes.slice(0, 40);
        const { negotiated } = request;
        misfit(() => readAll(relen(concat([head, request.body.subarray(shift)])), negotiated));
        writeU16(head, 36, extlen);
        misfit(() => readAll(relen(concat([head, noise])), negotiated));

        const answer = relen(concat([bareReply(request.unique, 0), noise]));
        misfit(() => new Reply(answer, request).args);
        misfit(() => replyMarks(new Reply(answer, request)));
        expect(formatReply(new Reply(answer, request))).toMatch(/^= /);
      }),
      runs(40),
    );
  });

  it('a reply of a wrong length is refused', () => {
    const pair = requestArb(op).chain((made) =>
      replyArgsArb(made.request).map((reply) => ({ request: made.request, reply })),
    );
    fc.assert(
      fc.property(pair, ({ request, reply }) => {
        const bytes = encodeReply(request, reply);
        const { max = 0, min = 0 } = request.replyLimits ?? {};
        const room = Math.min(max, 5000) - (bytes.length - 16);
        if (min > 0) {
          const short = relen(bytes.subarray(0, 16 + min - 1));
          expect(misfit(() => new Reply(short, request).args)).toBe(true);
        }
        if (max <= 5000) {
          const long = relen(concat([bytes, new Uint8Array(room + 1)]));
          expect(misfit(() => new Reply(long, request).args)).toBe(true);
        }
        const failed = relen(concat([bareReply(request.unique, -5), new Uint8Array(1)]));
        expect(misfit(() => new Reply(failed, request).args)).toBe(true);
      }),
      runs(20),
    );
  });
});

describe('compat forms', () => {
  const size = (name: OpName, args: object, negotiated: Negotiated) =>
    encodeRequest(OP[name], { unique: 2n }, args as never, negotiated).length - 40;
  const replySize = (name: OpName, negotiated: Negotiated) => {
    const args = { name: 'n', target: 't', newname: 'm' };
    const bytes = encodeRequest(OP[name], { unique: 2n }, args, negotiated);
    return new Request(bytes, negotiated).replyLimits;
  };

  it('shortens requests for old minors and without SETXATTR_EXT', () => {
    expect(size('WRITE', { data: 'abc' }, old(9))).toBe(43);
    expect(size('WRITE', { data: 'abc' }, old(8))).toBe(27);
    expect(size('MKNOD', { name: 'n' }, old(12))).toBe(18);
    expect(size('MKNOD', { name: 'n' }, old(11))).toBe(10);
    expect(size('CREATE', { name: 'n' }, old(12))).toBe(18);
    expect(size('CREATE', { name: 'n' }, old(11))).toBe(10);
    expect(size('TMPFILE', { name: '/' }, old(11))).toBe(18);
    expect(size('SETXATTR', { name: 'n', value: 'v' }, old(45))).toBe(11);
    expect(size('SETXATTR', { name: 'n', value: 'v' }, old(45, INIT_FLAG.SETXATTR_EXT))).toBe(19);
    expect(size('READ', {}, old(3))).toBe(40);
    expect(size('GETATTR', {}, old(3))).toBe(16);
  });

  it('shortens replies for old minors', () => {
    expect(replySize('STATFS', old(4))).toEqual({ min: 80, max: 80 });
    expect(replySize('STATFS', old(3))).toEqual({ min: 48, max: 48 });
    expect(replySize('GETATTR', old(9))).toEqual({ min: 104, max: 104 });
    expect(replySize('GETATTR', old(8))).toEqual({ min: 96, max: 96 });
    for (const name of ['LOOKUP', 'SYMLINK', 'MKNOD', 'MKDIR', 'LINK'] as const) {
      expect(replySize(name, old(9))).toEqual({ min: 128, max: 128 });
      expect(replySize(name, old(8))).toEqual({ min: 120, max: 120 });
    }
    expect(replySize('CREATE', old(45))).toEqual({ min: 144, max: 144 });
    expect(replySize('CREATE', old(8))).toEqual({ min: 136, max: 136 });
    expect(replySize('TMPFILE', old(8))).toEqual({ min: 144, max: 144 });
  });
});

describe('reply limits', () => {
  const limits = (name: OpName, args: object) => {
    const bytes = encodeRequest(OP[name], { unique: 2n }, args as never);
    return new Request(bytes).replyLimits;
  };

  it('follow the request', () => {
    expect(limits('READ', { size: 4096 })).toEqual({ min: 0, max: 4096 });
    expect(limits('READLINK', {})).toEqual({ min: 0, max: 4095 });
    expect(limits('GETXATTR', { size: 0, name: 'n' })).toEqual({ min: 8, max: 8 });
    expect(limits('GETXATTR', { size: 7, name: 'n' })).toEqual({ min: 0, max: 7 });
    expect(limits('IOCTL', { out_size: 8 })).toEqual({ min: 16, max: 16 + 4096 });
    expect(limits('IOCTL', { out_size: 8192 })).toEqual({ min: 16, max: 16 + 8192 });
    expect(limits('INIT', {})).toEqual({ min: 0, max: 64 });
    expect(limits('RELEASE', {})).toEqual({ min: 0, max: 0 });
    expect(limits('INTERRUPT', {})).toEqual({ min: 0, max: 0 });
    for (const name of ['FORGET', 'BATCH_FORGET', 'NOTIFY_REPLY'] as const) {
      expect(limits(name, {})).toBeUndefined();
    }
    expect(limits('SETUPMAPPING', {})).toEqual({ min: 0, max: 0 });
  });
});

test('background and force come from the row, for WRITE from the writeback flag', () => {
  const of = (name: OpName, args: object = {}) => {
    const bytes = encodeRequest(OP[name], { unique: 2n }, args as never);
    const { background, force } = new Request(bytes);
    return { background, force };
  };
  expect(of('READ')).toEqual({ background: false, force: false });
  expect(of('WRITE', { write_flags: 2 })).toEqual({ background: false, force: false });
  expect(of('WRITE', { write_flags: 1 })).toEqual({ background: true, force: true });
  expect(of('RELEASE')).toEqual({ background: true, force: true });
  expect(of('RELEASEDIR')).toEqual({ background: true, force: true });
  expect(of('INIT')).toEqual({ background: true, force: true });
  expect(of('FLUSH')).toEqual({ background: false, force: true });
  expect(of('DESTROY')).toEqual({ background: false, force: true });
});

describe('lengths that lie', () => {
  it('BATCH_FORGET of four billion entries', () => {
    const bytes = encodeRequest(OP.BATCH_FORGET, { unique: 2n }, { forgets: [] });
    writeU32(bytes, 40, 0xffffffff);
    expect(() => new Request(bytes).args).toThrow(/batch_forget_in\.count .* 68719476720 bytes/);
  });

  it('WRITE that announces more or less than follows', () => {
    const bytes = encodeRequest(OP.WRITE, { unique: 2n }, { size: 0xffffffff, data: 'abc' });
    expect(() => new Request(bytes).args).toThrow('write_in.size at offset 56: says 4294967295');
  });

  it('extensions that do not fit, or that the operation does not have', () => {
    const bytes = encodeRequest(OP.MKDIR, { unique: 2n }, { name: 'n' });
    writeU16(bytes, 36, 0xffff);
    expect(() => new Request(bytes).args).toThrow('in_header.total_extlen at offset 36');
    const read = encodeRequest(OP.READ, { unique: 2n }, {});
    writeU16(read, 36, 1);
    expect(() => new Request(read).args).toThrow('in_header.total_extlen at offset 36');
  });

  it('a header cut short names its field', () => {
    expect(() => new Request(new Uint8Array(11))).toThrow('in_header.unique at offset 8: needs 8');
    expect(() => new Reply(new Uint8Array(3), {} as Request)).toThrow('out_header.len at offset 0');
  });
});

describe('typed access', () => {
  const request = buildRequest('SYMLINK', { unique: 4n, nodeid: 1n }, { name: 'a', target: 'b' });

  it('gives the fields of one operation', () => {
    expect(request.as('SYMLINK').target).toEqual(new Uint8Array([0x62]));
    const reply = buildReply('SYMLINK', request, { nodeid: 7n, attr: { mode: 0o120777 } });
    expect(reply.as('SYMLINK').attr.mode).toBe(0o120777);
    expect(reply.unique).toBe(4n);
  });

  it('refuses another operation, and the values of an error', () => {
    expect(() => request.as('READ')).toThrow('READ was asked of a SYMLINK');
    const failed = new Reply(bareReply(4n, -2), request);
    expect(failed.args).toEqual({});
    expect(() => failed.as('SYMLINK')).toThrow('reply with error -2');
  });

  it('refuses values that do not fit their field', () => {
    const build = (args: object) => () => buildRequest('READ', { unique: 2n }, args);
    expect(build({ size: 2 ** 32 })).toThrow('read_in.size: 4294967296 is not a u32');
    expect(build({ offset: -1n })).toThrow('read_in.offset: -1 is not a u64');
    expect(build({ offset: 5 })).toThrow('read_in.offset: 5 is not a u64');
  });

  it('keeps opcodes it does not know as bytes', () => {
    const bytes = relen(concat([encodeRequest(OP.DESTROY, { unique: 2n }, {}), request.body]));
    writeU32(bytes, 4, 99);
    const unknown = new Request(bytes);
    expect(unknown.name).toBe('OP_99');
    expect(unknown.args).toEqual({ data: request.body, ext: new Uint8Array() });
    expect(unknown.replyLimits).toBeUndefined();
    expect(new Reply(bareReply(2n, -38), unknown).args).toEqual({});
  });
});
