/**
 * The reference server and requests no kernel sends: cut short, without NULs, with lengths past the
 * end, with bytes changed. It must answer each exactly once (or never, for opcodes without a reply),
 * and live. FUSE_RIG_SEED chooses other mutations.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SocketServer } from './testing/server.ts';
import { lockPieces, OP, request, SILENT } from './testing/wire.ts';

const seed = Number(process.env.FUSE_RIG_SEED ?? 20260301);
const FH = 1n;
const FILE = 2n;
const DATA = Buffer.from('some data');

/** One valid body for every opcode. Nodes: 1 the root, 2 a file that is open as 1. */
const BODIES: readonly (readonly [number, bigint, Parameters<typeof request>[3][]])[] = [
  [OP.LOOKUP, 1n, ['file']],
  [OP.FORGET, FILE, [1n]],
  [OP.GETATTR, FILE, [1, 0, FH]],
  [OP.SETATTR, FILE, [0x4f, 0, FH, 100n, 0n, 1n, 2n, 3n, 4, 5, 6, 0o644, 0, 0, 0, 0]],
  [OP.READLINK, 1n, []],
  [OP.SYMLINK, 1n, ['soft', 'file']],
  [OP.MKNOD, 1n, [0o100644, 0, 0, 0, 'node']],
  [OP.MKDIR, 1n, [0o755, 0, 'dir']],
  [OP.UNLINK, 1n, ['node']],
  [OP.RMDIR, 1n, ['dir']],
  [OP.RENAME, 1n, [1n, 'soft', 'softer']],
  [OP.LINK, 1n, [FILE, 'hard']],
  [OP.OPEN, FILE, [2, 0]],
  [OP.READ, FILE, [FH, 0n, 4096, 0, 0n, 0, 0]],
  [OP.WRITE, FILE, [FH, 0n, DATA.length, 0, 0n, 0, 0, DATA]],
  [OP.STATFS, 1n, []],
  [OP.RELEASE, FILE, [2n, 0, 0, 0n]],
  [OP.FSYNC, FILE, [FH, 1, 0]],
  [OP.SETXATTR, FILE, [DATA.length, 0, 0, 0, 'user.x', DATA]],
  [OP.GETXATTR, FILE, [100, 0, 'user.x']],
  [OP.LISTXATTR, FILE, [0, 0]],
  [OP.REMOVEXATTR, FILE, ['user.x']],
  [OP.FLUSH, FILE, [FH, 0, 0, 1n]],
  [OP.INIT, 0n, [7, 45, 0, 0, 0, new Uint8Array(44)]],
  [OP.OPENDIR, 1n, [0, 0]],
  [OP.READDIR, 1n, [1n, 0n, 4096, 0, 0n, 0, 0]],
  [OP.RELEASEDIR, 1n, [2n, 0, 0, 0n]],
  [OP.FSYNCDIR, 1n, [1n, 0, 0]],
  [OP.GETLK, FILE, [FH, 1n, ...lockPieces(1n, 1).slice(2)]],
  [OP.SETLK, FILE, [FH, 1n, ...lockPieces(1n, 1).slice(2)]],
  [OP.SETLKW, FILE, [FH, 2n, ...lockPieces(2n, 1).slice(2)]],
  [OP.ACCESS, FILE, [4, 0]],
  [OP.CREATE, 1n, [0o102, 0o644, 0, 0, 'made']],
  [OP.INTERRUPT, 0n, [1000n]],
  [OP.BMAP, FILE, [0n, 4096, 0]],
  [OP.DESTROY, 0n, []],
  [OP.IOCTL, FILE, [FH, 0, 0x5401, 0n, 0, 0]],
  [OP.POLL, FILE, [FH, 1n, 1, 4]],
  [OP.NOTIFY_REPLY, FILE, [0n, 0n, DATA.length, 0, 0n, 0n, DATA]],
  [OP.BATCH_FORGET, 0n, [2, 0, 9n, 1n, 10n, 1n]],
  [OP.FALLOCATE, FILE, [FH, 0n, 4096n, 0, 0]],
  [OP.READDIRPLUS, 1n, [1n, 0n, 4096, 0, 0n, 0, 0]],
  [OP.RENAME2, 1n, [1n, 2, 0, 'softer', 'file']],
  [OP.LSEEK, FILE, [FH, 0n, 3, 0]],
  [OP.COPY_FILE_RANGE, FILE, [FH, 0n, FILE, FH, 4096n, 100n, 0n]],
  [OP.SYNCFS, 1n, [0n]],
  [OP.TMPFILE, 1n, [0o2, 0o600, 0, 0, '/']],
  [OP.STATX, FILE, [1, 0, FH, 0, 0xfff]],
  [OP.COPY_FILE_RANGE_64, FILE, [FH, 0n, FILE, FH, 8192n, 100n, 0n]],
  [99, 1n, [1n, 'what']],
];

type Mutation =
  | { kind: 'cut'; keep: number; honest: boolean }
  | { kind: 'pad'; bytes: Uint8Array; honest: boolean }
  | { kind: 'byte'; at: number; value: number }
  | { kind: 'word'; at: number; value: number }
  | { kind: 'noNul' }
  | { kind: 'ext'; units: number };

const EDGES = [0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffff000, 4096, 65536];
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), keep: fc.nat(200), honest: fc.boolean() }),
  fc.record({
    kind: fc.constant('pad' as const),
    bytes: fc.uint8Array({ maxLength: 100 }),
    honest: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('byte' as const), at: fc.nat(200), value: fc.nat(255) }),
  fc.record({
    kind: fc.constant('word' as const),
    at: fc.nat(50),
    value: fc.constantFrom(...EDGES),
  }),
  fc.record({ kind: fc.constant('noNul' as const) }),
  fc.record({ kind: fc.constant('ext' as const), units: fc.nat(65535) }),
);

/** The unique stays, so that the answer can be told; so does all of a header that is not there. */
function mutate(message: Buffer, how: Mutation): Buffer {
  let bytes: Buffer = Buffer.from(message);
  switch (how.kind) {
    case 'cut':
      bytes = bytes.subarray(0, Math.max(16, how.keep % (bytes.length + 1)));
      if (how.honest) bytes.writeUInt32LE(bytes.length, 0);
      break;
    case 'pad':
      bytes = Buffer.concat([bytes, how.bytes]);
      if (how.honest) bytes.writeUInt32LE(bytes.length, 0);
      break;
    case 'byte': {
      const at = how.at % bytes.length;
      if (at < 8 || at >= 16) bytes.writeUInt8(how.value, at);
      break;
    }
    case 'word': {
      const at = 4 * (how.at % Math.floor(bytes.length / 4));
      if (at < 8 || at >= 16) bytes.writeUInt32LE(how.value, at);
      break;
    }
    case 'noNul':
      for (let at = 40; at < bytes.length; at++) if (bytes[at] === 0) bytes[at] = 0x41;
      break;
    case 'ext':
      if (bytes.length >= 38) bytes.writeUInt16LE(how.units, 36);
      break;
  }
  return bytes;
}

/** A server with a file as node 2, open as 1 (and the root open as directory 1). */
function started(options: readonly string[]): SocketServer {
  const server = new SocketServer(options);
  server.init();
  expect(server.ask(OP.CREATE, 4n, 1n, 0o102, 0o644, 0, 0, 'file').error).toBe(0);
  expect(server.ask(OP.OPENDIR, 6n, 1n, 0, 0).error).toBe(0);
  return server;
}

/** Sends one message and checks that it has the one answer it must have. `waiting`: kept SETLKWs. */
function check(server: SocketServer, bytes: Buffer, unique: bigint, waiting: Set<bigint>): void {
  const opcode = bytes.readUInt32LE(4);
  server.send(bytes);
  let answers = 0;
  for (const reply of server.settle()) {
    expect(reply.error).toBeGreaterThanOrEqual(0);
    expect(reply.error).toBeLessThan(512);
    if (reply.error !== 0) expect(reply.body).toHaveLength(0);
    if (reply.unique === unique) answers++;
    else expect(waiting.delete(reply.unique)).toBe(true);
  }
  if (SILENT.has(opcode)) expect(answers).toBe(0);
  else if (opcode === OP.SETLKW && answers === 0) waiting.add(unique);
  else expect(answers).toBe(1);
}

async function survives(options: readonly string[], bodies: typeof BODIES) {
  const server = started(options);
  const waiting = new Set<bigint>();
  let unique = 1000n;
  const one = fc.tuple(fc.nat(bodies.length - 1), fc.array(mutation, { maxLength: 3 }));
  const property = fc.property(one, ([index, mutations]) => {
    const [opcode, nodeid, pieces] = bodies[index % bodies.length] ?? [OP.STATFS, 1n, []];
    unique += 2n;
    check(
      server,
      mutations.reduce(mutate, request(opcode, unique, nodeid, ...pieces)),
      unique,
      waiting,
    );
  });
  fc.assert(property, { seed, numRuns: 6000, endOnFailure: true });
  const { code, stderr } = await server.end();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

describe(`garbage, seed ${seed}`, () => {
  it('every unmutated body is answered', async () => {
    const server = started(['--fs', 'memory']);
    const waiting = new Set<bigint>();
    BODIES.forEach(([opcode, nodeid, pieces], i) => {
      const unique = BigInt(1000 + 2 * i);
      check(server, request(opcode, unique, nodeid, ...pieces), unique, waiting);
    });
    expect((await server.end()).code).toBe(0);
  });

  it('the memory file system survives mutated requests', async () => {
    await survives(['--fs', 'memory'], BODIES);
  });

  it('a directory survives mutated requests', async () => {
    const backing = mkdtempSync(join(tmpdir(), 'fuse-rig-garbage-'));
    try {
      // A mutated FALLOCATE could take the disk's space.
      const bodies = BODIES.filter(([opcode]) => opcode !== OP.FALLOCATE);
      await survives(['--fs', `passthrough=${backing}`], bodies);
    } finally {
      rmSync(backing, { recursive: true, force: true });
    }
  });

  it('messages too short to have a unique are passed over', async () => {
    const server = started(['--fs', 'memory']);
    for (const size of [1, 4, 8, 15]) {
      server.send(request(OP.STATFS, 8n, 1n).subarray(0, size));
      expect(server.settle()).toEqual([]);
    }
    expect((await server.end()).code).toBe(0);
  });
});
