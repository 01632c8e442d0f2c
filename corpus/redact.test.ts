// A capture of real traffic, redacted: it replays into the server it was made with, and neither its raw
// bytes nor its fixture hold a name, a content, a path or a variable of the original.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { CaptureReader } from '../recorder/capture/reader.ts';
import { CaptureWriter } from '../recorder/capture/writer.ts';
import { restoreFixture } from '../recorder/fixture/restore.ts';
import { redact } from '../rig/redact/redact.ts';
import { RIG } from './campaigns/ground.ts';
import { must, run } from './run.ts';
import { bindfs } from './servers/bindfs.ts';
import { preparePlaces, startVariant } from './servers/live.ts';
import { runWorkload } from './workloads/workload.ts';
import { workloads } from './workloads/workloads.ts';

const WORK = new Set(['walk', 'calls', 'renames', 'unlinked', 'xattrs']);
/** Shorter ones are no secrets: a stand-in may well be called so. */
const SECRET = 6;
const scratch = mkdtempSync(join(tmpdir(), 'fuse-rig-redact-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function record(capture: string): Promise<{ fixture: string; mountpoint: string }> {
  const places = await preparePlaces(bindfs, scratch);
  const words = ['record', '-q', '-o', capture, '--fixture', places.fixture, '--'];
  const server = await startVariant(bindfs.variants[0], places, [...RIG, ...words]);
  try {
    for (const workload of workloads) {
      if (WORK.has(workload.name)) await runWorkload(workload, places.mountpoint, 7, 'small');
    }
  } finally {
    await server.end();
  }
  return places;
}

/** All bytes of a capture, and those of its fixture as they are before they are packed. */
function bytesOf(capture: string): Buffer {
  const pieces: Uint8Array[] = [readFileSync(capture)];
  const reader = CaptureReader.open(capture);
  for (const event of reader.events()) {
    if (event.kind !== 'fixture') continue;
    pieces.push(pieces.length === 1 ? event.bytes : inflateSync(event.bytes));
  }
  reader.close();
  return Buffer.concat(pieces);
}

/** Names below the fixture, what its files hold, and what tells of the machine. */
async function secretsOf(capture: string): Promise<string[]> {
  const reader = CaptureReader.open(capture);
  const pieces = [...reader.events()].flatMap((e) => (e.kind === 'fixture' ? [e.bytes] : []));
  const { server, fixture = '' } = reader.begin;
  reader.close();
  const { path } = await restoreFixture(pieces, join(scratch, 'restored'));
  const below = readdirSync(path, { recursive: true, withFileTypes: true });
  const names = below.map(({ name }) => name);
  const texts = below
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1').slice(0, 40));
  const values = server.env
    .filter((pair) => !/^(PATH|LANG|LC_\w+|TZ)=/.test(pair))
    .map((pair) => pair.slice(pair.indexOf('=') + 1));
  return (
    [...names, ...texts, ...values, server.cwd, fixture, basename(scratch)]
      .filter((secret) => secret.length >= SECRET && /[^0\n]/.test(secret))
      // What every capture holds: npm says the package's name to its children.
      .filter((secret) => !server.command.includes(secret) && !'fuse-rig fixture'.includes(secret))
  );
}

it('redacts a bindfs capture: it replays, and holds nothing of the original', async (context) => {
  context.skip(bindfs.missing() !== undefined, bindfs.missing());
  const [original, redacted] = [join(scratch, 'a.fusecap'), join(scratch, 'b.fusecap')];
  const { mountpoint } = await record(original);
  const [node = '', ...rig] = RIG;
  const told = await must(node, [...rig, 'redact', original, '-o', redacted]);
  const [, command = ''] = /^command +(.*)$/m.exec(told) ?? [];
  expect(command).toMatch(/^bindfs -f '\{fixture\}\/\w{3}' '\{mountpoint\}'$/);
  const secrets = await secretsOf(original);
  expect(secrets.length).toBeGreaterThan(50);
  const [before, after] = [bytesOf(original), bytesOf(redacted)];
  // The search finds what is there.
  const found = secrets.filter((secret) => before.includes(Buffer.from(secret, 'latin1')));
  expect(found.length).toBeGreaterThan(50);
  const left = secrets.filter((secret) => after.includes(Buffer.from(secret, 'latin1')));
  expect(left).toEqual([]);
  expect(after.includes(mountpoint)).toBe(false);
  const replayed = await run(node, [
    ...[...rig, 'replay', redacted, '--twice', '--json', '--'],
    ...command.replaceAll("'", '').split(' '),
  ]);
  expect(replayed.stdout).toContain('"verdict":"pass"');
  expect(replayed).toMatchObject({ code: 0, stderr: '' });
});

it('replaces only what tells of the machine where it is asked to', async () => {
  const [from, to] = [join(scratch, 'own.fusecap'), join(scratch, 'host.fusecap')];
  const server = {
    command: ['/srv/joe/exportd', '--fs', 'x', '-o', 'user=joe,dir=/srv/joe/b', 'joe@host:', 'mnt'],
    cwd: '/srv/joe',
    env: ['USER=joe', 'PATH=/srv/joe/bin:/usr/bin', 'TOKEN=hush-hush', 'LANG=C'],
    ...{ uid: 0, gid: 0, groups: [], umask: 0, limits: {} },
  };
  const begin = {
    kind: 'begin' as const,
    t: 0,
    started: 'now',
    rig: '0',
    kernel: '0',
    abi: [] as string[],
  };
  const writer = CaptureWriter.create(from, { ...begin, server, mountpoint: '/srv/joe/mnt' });
  const output = Buffer.from('joe: hello\n');
  writer.write({ kind: 'output', t: 1, fd: 2, bytes: output });
  writer.close({ kind: 'end', t: 2, reason: 'server-exit', requests: 0, replies: 0 });
  const told = await redact(from, to, { hostOnly: true });
  expect(told.begin.server.command).toEqual([
    ...['/aaa/aab/aaaaaaa', '--fs', 'x', '-o', 'user=aab,dir=/aaa/aab/a', 'aab@aaaa:', 'aad'],
  ]);
  expect(told.begin.server.env).toEqual(['PATH=/aaa/aab/aac:/usr/bin', 'LANG=C']);
  expect(told).toMatchObject({ mountpoint: '/aaa/aab/aad', variables: 2 });
  expect(readFileSync(to, 'latin1')).not.toMatch(/joe|hush|hello/);
  // Nothing that exists is overwritten, and what is no capture is said to be none.
  await expect(redact(from, to)).rejects.toThrow('exists');
  writeFileSync(join(scratch, 'none'), 'none');
  await expect(redact(join(scratch, 'none'), join(scratch, 'new'))).rejects.toThrow(
    'not a fuse-rig',
  );
  expect(readdirSync(scratch).filter((name) => /new|partial/.test(name))).toEqual([]);
});
