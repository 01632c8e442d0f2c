/**
 * The reference server without a kernel: messages made by hand over a socket. What it answers, what
 * it leaves unanswered, and how it ends.
 */
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { nativePath } from '../load.ts';
import { SocketServer } from './testing/server.ts';
import { ERRNO, initRequest, lockPieces, OFFERED, OP, request } from './testing/wire.ts';

const WRITE = 1;
const UNLOCK = 2;

/** Creates a file in the root and gives its nodeid and handle. */
function create(server: SocketServer, unique: bigint, name: string) {
  const { error, body } = server.ask(OP.CREATE, unique, 1n, 0o102, 0o644, 0, 0, name);
  expect(error).toBe(0);
  expect(body.length).toBe(144);
  return { node: body.readBigUInt64LE(0), fh: body.readBigUInt64LE(128) };
}

describe('negotiation', () => {
  it.each([
    [45, 64],
    [23, 64],
    [22, 24],
    [8, 24],
    [4, 8],
    [0, 8],
  ])('answers minor %i with a body of %i bytes', async (minor, size) => {
    const server = new SocketServer(['--minor', String(minor)]);
    const { error, body } = server.init();
    expect(error).toBe(0);
    expect(body.length).toBe(size);
    expect([body.readUInt32LE(0), body.readUInt32LE(4)]).toEqual([7, minor]);
    const { body: attr } = server.ask(OP.GETATTR, 4n, 1n, 0, 0, 0n);
    expect(attr.length).toBe(minor < 9 ? 96 : 104);
    expect((await server.end()).code).toBe(0);
  });

  it('takes no flag that was not offered', async () => {
    for (const flags of [OFFERED.flags, 0x40000001, 1, 0]) {
      const server = new SocketServer(['--writeback', '--notify', 'inval']);
      server.send(initRequest(45, flags));
      const body = server.receive()?.body ?? Buffer.alloc(64);
      expect(body.readUInt32LE(12) & ~flags).toBe(0);
      const offered2 = (flags & 0x40000000) !== 0 ? OFFERED.flags2 : 0;
      expect(body.readUInt32LE(32) & ~offered2).toBe(0);
      // max_pages stands for nothing without its flag.
      if ((flags & (1 << 22)) === 0) expect(body.readUInt16LE(28)).toBe(0);
      await server.end();
    }
  });

  it('asks a larger major to come again with ours, and serves nothing before', async () => {
    const server = new SocketServer([]);
    expect(server.ask(OP.GETATTR, 4n, 1n, 0, 0, 0n).error).toBe(ERRNO.EIO);
    server.send(request(OP.INIT, 6n, 0n, 8, 0, 0, 0));
    expect(server.receive()?.body.readUInt32LE(0)).toBe(7);
    expect(server.ask(OP.GETATTR, 8n, 1n, 0, 0, 0n).error).toBe(ERRNO.EIO);
    expect(server.init().error).toBe(0);
    expect(server.ask(OP.GETATTR, 10n, 1n, 0, 0, 0n).error).toBe(0);
    expect((await server.end()).code).toBe(0);
  });
});

describe('replies', () => {
  it('gives the same bytes for the same requests', async () => {
    const run = async () => {
      const server = new SocketServer(['--fs', 'memory']);
      const seen = [server.init().body.toString('hex')];
      const { node, fh } = create(server, 4n, 'a');
      const pieces = [fh, 0n, 5, 0, 0n, 0, 0, Buffer.from('hello')];
      seen.push(server.ask(OP.WRITE, 6n, node, ...pieces).body.toString('hex'));
      seen.push(server.ask(OP.MKDIR, 8n, 1n, 0o755, 0, 'd').body.toString('hex'));
      const { fh: dir } = { fh: server.ask(OP.OPENDIR, 10n, 1n, 0, 0).body.readBigUInt64LE(0) };
      const list = server.ask(OP.READDIRPLUS, 12n, 1n, dir, 0n, 4096, 0, 0n, 0, 0);
      seen.push(list.body.toString('hex'));
      expect((await server.end()).code).toBe(0);
      return seen;
    };
    expect(await run()).toEqual(await run());
  });

  it('says ENOSYS to an unknown opcode and nothing to what takes no reply', async () => {
    const server = new SocketServer([]);
    server.init();
    for (const opcode of [0, 7, 19, 99, 4096]) {
      expect(server.ask(opcode, 4n, 1n).error).toBe(ERRNO.ENOSYS);
    }
    server.send(request(OP.FORGET, 6n, 1n, 1n));
    server.send(request(OP.BATCH_FORGET, 8n, 0n, 2, 0, 5n, 1n));
    server.send(request(OP.INTERRUPT, 5n, 0n, 4n));
    server.send(request(OP.NOTIFY_REPLY, 9n, 1n, 0n, 0n, 0, 0, 0n, 0n));
    expect(server.settle()).toEqual([]);
    expect((await server.end()).code).toBe(0);
  });
});

describe('locks', () => {
  async function withHeldLock(test: (server: SocketServer, node: bigint) => void) {
    const server = new SocketServer([]);
    server.init();
    const { node } = create(server, 4n, 'a');
    expect(server.ask(OP.SETLK, 6n, node, ...lockPieces(1n, WRITE)).error).toBe(0);
    test(server, node);
    expect((await server.end()).code).toBe(0);
  }

  it('let waiting requests in, oldest first, each answered once', async () => {
    await withHeldLock((server, node) => {
      expect(server.ask(OP.SETLK, 8n, node, ...lockPieces(2n, WRITE)).error).toBe(ERRNO.EAGAIN);
      server.send(request(OP.SETLKW, 10n, node, ...lockPieces(2n, WRITE)));
      server.send(request(OP.SETLKW, 12n, node, ...lockPieces(3n, WRITE)));
      expect(server.settle()).toEqual([]);
      server.send(request(OP.SETLK, 14n, node, ...lockPieces(1n, UNLOCK)));
      expect(server.settle().map(({ unique, error }) => [unique, error])).toEqual([
        [10n, 0],
        [14n, 0],
      ]);
      server.send(request(OP.FLUSH, 16n, node, 1n, 0, 0, 2n));
      expect(server.settle().map(({ unique }) => unique)).toEqual([12n, 16n]);
    });
  });

  it('end a wait with EINTR, once, however many INTERRUPTs come', async () => {
    await withHeldLock((server, node) => {
      server.send(request(OP.SETLKW, 10n, node, ...lockPieces(2n, WRITE)));
      server.send(request(OP.INTERRUPT, 11n, 0n, 10n));
      server.send(request(OP.INTERRUPT, 11n, 0n, 10n));
      const seen = server.settle().map(({ unique, error }) => [unique, error]);
      expect(seen).toEqual([[10n, ERRNO.EINTR]]);
    });
  });

  it('remember an INTERRUPT that came before its request', async () => {
    await withHeldLock((server, node) => {
      server.send(request(OP.INTERRUPT, 11n, 0n, 10n));
      server.send(request(OP.SETLKW, 10n, node, ...lockPieces(2n, WRITE)));
      const seen = server.settle().map(({ unique, error }) => [unique, error]);
      expect(seen).toEqual([[10n, ERRNO.EINTR]]);
    });
  });
});

describe('notifications', () => {
  /** Opens a file of the root; gives a function that writes a command to `.control`. */
  function withControl(kinds: string) {
    const server = new SocketServer(['--notify', kinds]);
    server.init();
    const open = (unique: bigint, name: string) => {
      const node = server.ask(OP.LOOKUP, unique, 1n, name).body.readBigUInt64LE(0);
      const fh = server.ask(OP.OPEN, unique + 2n, node, 2, 0).body.readBigUInt64LE(0);
      return { node, fh };
    };
    const { node, fh } = open(4n, '.control');
    const tell = (unique: bigint, command: string) => {
      const data = Buffer.from(command);
      server.send(request(OP.WRITE, unique, node, fh, 0n, data.length, 0, 0n, 0, 0, data));
    };
    return { server, open, tell };
  }

  it('wake who sleeps in poll, and only then', async () => {
    const { server, open, tell } = withControl('poll');
    const { node, fh } = open(8n, '.poll');
    const kh = 77n;
    // Nobody sleeps at the first, one does at the second.
    expect(server.ask(OP.POLL, 12n, node, fh, 5n, 0, 1).body.readUInt32LE(0)).toBe(0);
    expect(server.ask(OP.POLL, 14n, node, fh, kh, 1, 1).body.readUInt32LE(0)).toBe(0);
    tell(16n, 'poll .poll');
    const messages = [server.receive(), server.receive()];
    const notice = messages.find((message) => message?.unique === 0n);
    expect(messages.some((message) => message?.unique === 16n && message.error === 0)).toBe(true);
    expect(notice?.error).toBe(-1);
    expect(notice?.body.readBigUInt64LE(0)).toBe(kh);
    expect(server.ask(OP.POLL, 18n, node, fh, kh, 0, 1).body.readUInt32LE(0)).toBe(1);
    expect((await server.end()).code).toBe(0);
  });

  it.each([
    ['inval', 'inval .poll 5 6', -2, 24],
    ['inval', 'entry .poll', -3, 16 + 6],
    ['inval', 'delete .poll', -6, 24 + 6],
    ['store', 'store .poll 3 text', -4, 24 + 4],
    ['retrieve', 'retrieve .poll 0 10', -5, 32],
  ])('--notify %s: "%s" sends code %i with %i bytes', async (kind, command, code, size) => {
    const { server, tell } = withControl(kind);
    tell(8n, command);
    const messages = [server.receive(), server.receive()];
    const notice = messages.find((message) => message?.unique === 0n);
    expect([notice?.error, notice?.body.length]).toEqual([code, size]);
    expect((await server.end()).code).toBe(0);
  });

  it('are not sent for a kind that was not asked for, or for nonsense', async () => {
    const { server, tell } = withControl('store');
    tell(8n, 'inval .poll');
    tell(10n, 'store .poll');
    tell(12n, 'store nothing 0 x');
    tell(14n, '');
    const seen = server.settle().map(({ unique, error }) => [unique, error]);
    expect(seen).toEqual([
      [8n, 1],
      [10n, 22],
      [12n, ERRNO.ENOENT],
      [14n, 22],
    ]);
    expect((await server.end()).code).toBe(0);
  });
});

describe('the end', () => {
  it.each([
    [[]],
    [['--threads', '4']],
    [['--threads', '4', '--nonblock=poll', '--io', 'readv', '--reply', 'write']],
    [['--threads', '2', '--nonblock=epoll', '--defer', 'GETATTR']],
  ])('answers what waits, wakes every thread and exits 0 at SIGTERM: %j', async (options) => {
    // Many rounds: a signal that is missed between a check and a read would hang one of them.
    for (let round = 0; round < 10; round++) {
      const server = new SocketServer(options);
      server.init();
      const { node } = create(server, 4n, 'a');
      expect(server.ask(OP.SETLK, 6n, node, ...lockPieces(1n, WRITE)).error).toBe(0);
      server.send(request(OP.SETLKW, 8n, node, ...lockPieces(2n, WRITE)));
      if (options.length === 0) expect(server.settle()).toEqual([]);
      server.kill('SIGTERM');
      const { code, stderr } = await server.exit();
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  });

  it('crashes when told to, with the request in hand', async () => {
    for (const [how, name] of [
      ['3', 'SIGSEGV'],
      ['3:abort', 'SIGABRT'],
    ] as const) {
      const server = new SocketServer(['--crash-after', how]);
      server.init();
      expect(server.ask(OP.STATFS, 4n, 1n).error).toBe(0);
      server.send(request(OP.STATFS, 6n, 1n));
      expect(server.receive()).toBeUndefined();
      const { signal, code } = await server.exit();
      // timeout(1) ends itself in the same way.
      expect(signal ?? code).toBe(name);
    }
  });

  it('leaves an opcode unanswered when told to', async () => {
    const server = new SocketServer(['--unanswered', 'statx,GETATTR']);
    server.init();
    server.send(request(OP.GETATTR, 4n, 1n, 0, 0, 0n));
    expect(server.settle()).toEqual([]);
    expect((await server.end()).code).toBe(0);
  });
});

describe('the command line', () => {
  it.each([
    [['--threads', '0', 'x'], '--threads needs a number from 1 to 256, not "0"'],
    [['--fs', 'disk', 'x'], '--fs is memory or passthrough=DIR; not "disk"'],
    [['--io', 'mmap', 'x'], '--io is one of read, readv, spill, splice, turns; not "mmap"'],
    [['--unanswered', 'FLY', 'x'], 'no opcode "FLY"'],
    [['--mount', 'none'], '--mount none needs --fd N'],
    [['--mounts', '2', 'x'], '--mounts 2 needs two MOUNTPOINTs'],
    [['--nonsense', 'x'], 'unknown option --nonsense'],
    [['--minor'], '--minor needs a value'],
    [['--passthrough-io', '--writeback', 'x'], '--passthrough-io does not go with --writeback'],
    [[], 'give one MOUNTPOINT'],
  ])('refuses %j with one line', async (argv, text) => {
    const { exitCode, stderr } = await execa(nativePath('fuse-rig-server'), argv, {
      reject: false,
    });
    expect(exitCode).toBe(2);
    expect(stderr.split('\n')).toHaveLength(1);
    expect(stderr).toContain(text);
  });
});
