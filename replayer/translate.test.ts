/** A captured request as this run asks it: ids, offsets, sizes. */
import { describe, expect, it } from 'vitest';
import { buildRequest } from '../rig/protocol/build.ts';
import { encodeDirents } from '../rig/protocol/dirents.ts';
import { INIT_FLAG } from '../rig/protocol/init-flags.ts';
import type { Request } from '../rig/protocol/message.ts';
import { BEFORE_INIT, type Negotiated } from '../rig/protocol/negotiated.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { DirectoryStream } from './directory.ts';
import { Identity } from './identity.ts';
import { SAME_OWNERS } from './normal.ts';
import { adapt, Orphan, translate } from './translate.ts';

const RUN: Negotiated = { ...BEFORE_INIT, accepted: true, maxWrite: 4096 };

function known(): Identity {
  const identity = new Identity();
  identity.bindNode(5n, 50n);
  identity.bindNode(6n, 60n);
  identity.bindHandle(5n, 1n, 100n);
  identity.bindHandle(6n, 1n, 200n);
  return identity;
}

function asked(request: Request, stream = new DirectoryStream(), owners = SAME_OWNERS) {
  const t = { identity: known(), owners, stream: () => stream };
  return translate(request.bytes.slice(), RUN, RUN, t);
}
function requestOf(result: ReturnType<typeof asked>): Request {
  if (result instanceof Orphan) throw new Error(result.what);
  return result.request;
}

describe('a request', () => {
  it('gets the nodes and handles of this run, and says which handle it named', () => {
    const captured = buildRequest(
      'READ',
      { unique: 2n, nodeid: 5n },
      { fh: 1n, offset: 7n, size: 9 },
    );
    const result = asked(captured);
    expect(result).toMatchObject({ fh: 1 });
    const request = requestOf(result);
    expect(request.nodeid).toBe(50n);
    expect(request.as('READ')).toMatchObject({ fh: 100n, offset: 7n, size: 9 });
  });

  it('gets the nodes in its body: where RENAME and LINK go', () => {
    const names = { oldname: 'a' as never, newname: 'b' as never };
    const rename = buildRequest('RENAME', { unique: 2n, nodeid: 5n }, { newdir: 6n, ...names });
    expect(requestOf(asked(rename)).as('RENAME').newdir).toBe(60n);
    const link = { oldnodeid: 6n, newname: 'x' as never };
    const made = buildRequest('LINK', { unique: 2n, nodeid: 5n }, link);
    expect(requestOf(asked(made)).as('LINK').oldnodeid).toBe(60n);
  });

  it('gets the owners of this run', () => {
    const owners = { uid: (id: number) => id + 1, gid: (id: number) => id + 2 };
    const captured = buildRequest('ACCESS', { unique: 2n, nodeid: 1n, uid: 10, gid: 20 }, {});
    const request = requestOf(asked(captured, undefined, owners));
    expect([request.uid, request.gid]).toEqual([11, 22]);
  });

  it.each([
    ['node', buildRequest('GETATTR', { unique: 2n, nodeid: 9n }, {}), 'node 9 never came'],
    [
      'handle',
      buildRequest('READ', { unique: 2n, nodeid: 5n }, { fh: 3n }),
      'file handle 3 never came',
    ],
  ])('is an orphan when its %s never came', (_, request, what) => {
    const result = asked(request);
    expect(result).toBeInstanceOf(Orphan);
    expect(result).toMatchObject({ what });
  });

  it('for a directory goes on behind the same name', () => {
    const dirents = (...offs: [string, bigint][]) =>
      encodeDirents(
        offs.map(([name, off]) => ({ ino: 1n, off, type: 8, name: Buffer.from(name) })),
        false,
      );
    const stream = new DirectoryStream();
    stream.add(dirents(['a', 1n], ['b', 2n]), dirents(['b', 10n], ['a', 20n]), false, false);
    const captured = buildRequest(
      'READDIR',
      { unique: 2n, nodeid: 5n },
      { fh: 1n, offset: 1n, size: 99 },
    );
    expect(requestOf(asked(captured, stream)).as('READDIR').offset).toBe(20n);
  });
});

describe('what this server cannot take', () => {
  const write = (size: number) => {
    const data = new Uint8Array(size).map((_, i) => i >> 8);
    return buildRequest(
      'WRITE',
      { unique: 2n, nodeid: 1n },
      { fh: 0n, offset: 100n, size, data },
      RUN,
    );
  };

  it.each([
    [1, 1],
    [4096, 1],
    [4097, 2],
    [10_000, 3],
  ])('a WRITE of %i bytes becomes %i', (size, count) => {
    const request = write(size);
    const specs = adapt(request, RUN);
    expect(specs).toHaveLength(count);
    let at = 0;
    for (const { opcode, body } of specs) {
      const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
      const length = view.getUint32(16, true);
      expect([opcode, view.getBigUint64(8, true), body.length]).toEqual([
        OP.WRITE.opcode,
        BigInt(100 + at),
        40 + length,
      ]);
      expect(body.subarray(40)).toEqual(request.body.subarray(40 + at, 40 + at + length));
      at += length;
    }
    expect(at).toBe(size);
  });

  it('READDIRPLUS becomes READDIR, unless it was agreed', () => {
    const request = buildRequest('READDIRPLUS', { unique: 2n, nodeid: 1n }, { size: 99 }, RUN);
    const plus = { ...RUN, flags: INIT_FLAG.DO_READDIRPLUS };
    expect(adapt(request, RUN).map((s) => s.opcode)).toEqual([OP.READDIR.opcode]);
    expect(adapt(request, plus).map((s) => s.opcode)).toEqual([OP.READDIRPLUS.opcode]);
  });

  it('everything else stays as it is, who asked included', () => {
    const head = { unique: 2n, nodeid: 5n, uid: 1, gid: 2, pid: 3 };
    const request = buildRequest('UNLINK', head, { name: 'x' as never }, RUN);
    expect(adapt(request, RUN)).toEqual([
      expect.objectContaining({ opcode: OP.UNLINK.opcode, nodeid: 5, uid: 1, gid: 2, pid: 3 }),
    ]);
  });
});
