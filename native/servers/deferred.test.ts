/** WRITEs that another thread answers keep their data, however they were received. */
import { describe, expect, it } from 'vitest';
import { SocketServer } from './testing/server.ts';
import { OP, request } from './testing/wire.ts';

describe('deferred WRITEs', () => {
  // With spill, what does not fit in place changes hands with the request; the borders are tried too.
  it.each([
    { io: 'read', size: 1000 },
    { io: 'readv', size: 1000 },
    { io: 'spill', size: 1000 },
    { io: 'spill', size: 5000 },
    { io: 'spill', size: 20_000 },
  ])('keeps $size bytes each of WRITEs that another thread answers: --io $io', async (way) => {
    const server = new SocketServer(['--defer', 'WRITE', '--io', way.io]);
    server.init();
    const { body: made } = server.ask(OP.CREATE, 4n, 1n, 0o102, 0o644, 0, 0, 'a');
    const [node, fh] = [made.readBigUInt64LE(0), made.readBigUInt64LE(128)];
    const count = 60;
    const { size } = way;
    for (let i = 0; i < count; i++) {
      const data = Buffer.alloc(size, i);
      const unique = BigInt(100 + 2 * i);
      server.send(request(OP.WRITE, unique, node, fh, BigInt(i * size), size, 0, 0n, 0, 0, data));
    }
    const answers = Array.from({ length: count }, () => server.receive());
    expect(new Set(answers.map((answer) => answer?.unique)).size).toBe(count);
    expect(answers.map((answer) => answer?.body.readUInt32LE(0))).toEqual(
      Array.from({ length: count }, () => size),
    );
    for (let i = 0; i < count; i++) {
      const unique = BigInt(1000 + 2 * i);
      const at = BigInt(i * size);
      const { body } = server.ask(OP.READ, unique, node, fh, at, size, 0, 0n, 0, 0);
      expect(body.equals(Buffer.alloc(size, i))).toBe(true);
    }
    expect((await server.end()).code).toBe(0);
  });
});
