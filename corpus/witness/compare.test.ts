// Captures and witnesses made by hand: what agrees, what may differ, and each thing that must not.
import { describe, expect, it } from 'vitest';
import type { SessionEvent } from '../../rig/events.ts';
import { writeInt, writeU32, writeU64 } from '../../rig/protocol/cursor.ts';
import { compareWitness, showComparison } from './compare.ts';
import type { WitnessEntry } from './lines.ts';

const DEV = 41;
const RESENT = 1n << 63n;

const mount = (dev = DEV, conn = 1): SessionEvent => ({
  ...{ kind: 'mount', t: 0, handle: 1, conn, tid: 9, fstype: 'fuse', source: 's', target: '/m' },
  ...{ flags: 0, options: '', result: 0, dev },
});

function request(unique: bigint, opcode: number, len = 48): SessionEvent {
  const bytes = new Uint8Array(len);
  writeU32(bytes, 0, len);
  writeU32(bytes, 4, opcode);
  writeU64(bytes, 8, unique);
  return { kind: 'request', t: 0, handle: 1, conn: 1, tid: 9, bytes };
}

function reply(unique: bigint, error = 0, len = 16, result = len): SessionEvent {
  const bytes = new Uint8Array(len);
  writeU32(bytes, 0, len);
  writeInt(bytes, 4, 4, error);
  writeU64(bytes, 8, unique);
  return { kind: 'reply', t: 0, handle: 1, conn: 1, tid: 9, bytes, result };
}

const send = (unique: bigint, opcode: number, len = 48, dev = DEV): WitnessEntry => ({
  ...{ kind: 'send', dev, unique, opcode, len },
});
const end = (unique: bigint, error = 0, len = 16, dev = DEV): WitnessEntry => ({
  ...{ kind: 'end', dev, unique, len, error },
});

const compare = (entries: WitnessEntry[], events: SessionEvent[], lost = 0) =>
  compareWitness({ entries, lost }, DEV, [mount(), ...events]);

const LOOKUP = 1;
const FORGET = 2;
const READ = 15;
const INIT = 26;
const INTERRUPT = 36;
const NOTIFY_REPLY = 41;

describe('compareWitness', () => {
  it('agrees', () => {
    const result = compare(
      [send(2n, INIT), end(2n), send(4n, LOOKUP), end(4n, -2)],
      [request(2n, INIT), reply(2n), request(4n, LOOKUP), reply(4n, -2)],
    );
    expect(result).toMatchObject({ valid: true, requests: 2, ends: 2, open: 0, unexplained: [] });
    expect(showComparison(result)).toMatch(
      /^witness, 2 requests and 2 ends alike, .* 0 unexplained/,
    );
  });

  it('does not mind what the tracepoints leave out', () => {
    const result = compare(
      [send(2n, READ), end(2n)],
      [request(2n, READ), request(3n, INTERRUPT), reply(3n, -11), request(6n, FORGET), reply(2n)],
    );
    expect(result.unexplained).toEqual([]);
    expect([...result.onlyCapture]).toEqual([
      [INTERRUPT, 1],
      [FORGET, 1],
    ]);
  });

  it('does not mind requests that never reached a server', () => {
    const result = compare([send(2n, READ), send(4n, READ), end(4n, -103, 0)], []);
    expect(result).toMatchObject({ unexplained: [], requests: 0 });
    expect([...result.onlyWitness]).toEqual([[READ, 2]]);
  });

  it('tells an abort from an answer', () => {
    const aborted = compare([send(2n, READ), end(2n, -103, 0)], [request(2n, READ)]);
    expect([...aborted.endedWithoutReply]).toEqual([[103, 1]]);
    expect(aborted.unexplained).toEqual([]);
    const answered = compare([send(2n, READ), end(2n, 0, 64)], [request(2n, READ)]);
    expect(answered.unexplained).toEqual([
      'request 2 ended with a reply that is not in the capture',
    ]);
  });

  it('lets a refused reply end a request', () => {
    const events = [request(2n, READ), reply(2n, 0, 16, -22)];
    const result = compare([send(2n, READ), end(2n, -5, 16)], events);
    expect(result.unexplained).toEqual([]);
    expect([...result.endedWithoutReply]).toEqual([[5, 1]]);
  });

  it('keeps the uniques of the server apart from the kernel’s', () => {
    const result = compare(
      [send(4n, LOOKUP), send(4n, NOTIFY_REPLY, 80), end(4n, 0, 0), end(4n)],
      [request(4n, LOOKUP), request(4n, NOTIFY_REPLY, 80), reply(4n)],
    );
    expect(result).toMatchObject({ requests: 1, ends: 1, unexplained: [] });
  });

  it('follows a request that is sent again', () => {
    const result = compare(
      [send(4n, READ), end(4n | RESENT)],
      [request(4n, READ), request(4n | RESENT, READ), reply(4n | RESENT)],
    );
    expect(result).toMatchObject({ requests: 1, ends: 1, unexplained: [] });
  });

  it('finds its connection among others, and among others of the same number', () => {
    const others = [send(2n, INIT, 104, 40), end(2n, 0, 80, 40)];
    const before = [send(2n, INIT, 104), end(2n, 0, 80), send(4n, READ), end(4n, 0, 99)];
    const result = compare(
      [...others, ...before, send(2n, INIT, 104), end(2n, 0, 80), send(4n, LOOKUP), end(4n)],
      [request(2n, INIT, 104), reply(2n, 0, 80), request(4n, LOOKUP), reply(4n)],
    );
    expect(result).toMatchObject({ requests: 2, ends: 2, unexplained: [] });
  });

  it('is not valid after a loss', () => {
    expect(compare([], [], 7)).toMatchObject({ valid: false, lost: 7 });
  });

  it.each<[string, WitnessEntry[], SessionEvent[], RegExp]>([
    ['a request the capture lost', [send(2n, READ), end(2n)], [], /answered .* not in the capture/],
    ['a request the kernel never made', [], [request(2n, READ)], /only in the capture/],
    ['another opcode', [send(2n, READ)], [request(2n, LOOKUP)], /opcode 1.* 15/],
    ['another length', [send(2n, READ, 80)], [request(2n, READ, 72)], /72 bytes in the capture/],
    [
      'another error',
      [send(2n, READ), end(2n, -5)],
      [request(2n, READ), reply(2n, -2)],
      /EIO.*captured ENOENT/,
    ],
    [
      'another reply length',
      [send(2n, READ), end(2n, 0, 80)],
      [request(2n, READ), reply(2n, 0, 64)],
      /80 bytes, captured .* 64/,
    ],
    [
      'a reply that ended nothing',
      [send(2n, READ)],
      [request(2n, READ), reply(2n)],
      /ended nothing/,
    ],
    ['a reply to nothing', [], [reply(8n)], /its request is not in the capture/],
    ['a request twice', [send(2n, READ)], [request(2n, READ), request(2n, READ)], /twice/],
    ['an end twice', [send(2n, READ), end(2n), end(2n)], [request(2n, READ), reply(2n)], /twice/],
    ['a NOTIFY_REPLY of nobody', [], [request(5n, NOTIFY_REPLY)], /1 NOTIFY_REPLYs captured, 0/],
    [
      'a torn request',
      [],
      [{ ...request(2n, READ), bytes: new Uint8Array(8) } as SessionEvent],
      /8 bytes/,
    ],
    ['two mounts', [], [mount(DEV, 2)], /2 mounts/],
  ])('does not explain away %s', (_, entries, events, expected) => {
    expect(compare(entries, events).unexplained.join('\n')).toMatch(expected);
  });
});
