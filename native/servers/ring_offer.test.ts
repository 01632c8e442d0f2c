/** What the reference server says to INIT where it can have no ring; without a kernel. */
import { describe, expect, it } from 'vitest';
import { SocketServer } from './testing/server.ts';
import { ERRNO, initRequest, OFFERED, OP, OVER_IO_URING } from './testing/wire.ts';

describe('negotiation of a ring', () => {
  it.each([
    ['the kernel does not offer it (/sys/module/fuse/parameters/enable_uring)', OFFERED.flags2],
    ['a socket takes no commands of a ring', OFFERED.flags2 | OVER_IO_URING],
  ])('promises no ring that it cannot have: %s', async (why, flags2) => {
    const server = new SocketServer(['--transport', 'ring']);
    server.send(initRequest(45, OFFERED.flags, flags2));
    expect((server.receive()?.body.readUInt32LE(32) ?? -1) & OVER_IO_URING).toBe(0);
    expect(server.ask(OP.GETATTR, 4n, 1n, 0, 0, 0n).error).toBe(0);
    const stderr = `fuse-rig-server: ring: ${why}; going on on /dev/fuse`;
    expect(await server.end()).toEqual({ code: 0, signal: undefined, stderr });

    const strict = new SocketServer(['--transport', 'ring', '--ring-required']);
    strict.send(initRequest(45, OFFERED.flags, flags2));
    expect(strict.receive()?.error).toBe(ERRNO.EOPNOTSUPP);
    const ended = 'fuse-rig-server: ending, since --ring-required was given';
    const said = `fuse-rig-server: ring: ${why}\n${ended}`;
    expect(await strict.exit()).toEqual({ code: 1, signal: undefined, stderr: said });
  });
});
