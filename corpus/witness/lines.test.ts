// Lines as Linux 6.18 printed them, with and without what comes before the event's name.
import { describe, expect, it } from 'vitest';
import { lostInStats, parseWitnessLine } from './lines.ts';

describe('parseWitnessLine', () => {
  it('reads a request', () => {
    const line =
      '          bindfs-25947   [000] ...2.  3335.041893: fuse_request_send: connection 40 req 2 opcode 26 (FUSE_INIT) len 104 ';
    const send = { kind: 'send', dev: 40, unique: 2n, opcode: 26, len: 104 };
    expect(parseWitnessLine(line)).toEqual(send);
    expect(
      parseWitnessLine('fuse_request_send: connection 40 req 2 opcode 26 (FUSE_INIT) len 104 '),
    ).toEqual(send);
  });

  it('reads an opcode the kernel has no name for', () => {
    expect(
      parseWitnessLine('fuse_request_send: connection 3 req 18 opcode 53 (53) len 56 '),
    ).toMatchObject({ opcode: 53, len: 56 });
  });

  it('reads ends, answered and aborted', () => {
    expect(parseWitnessLine('fuse_request_end: connection 40 req 6 len 16 error -61')).toEqual({
      kind: 'end',
      dev: 40,
      unique: 6n,
      len: 16,
      error: -61,
    });
    expect(
      parseWitnessLine('fuse_request_end: connection 40 req 8 len 0 error -103'),
    ).toMatchObject({
      len: 0,
      error: -103,
    });
  });

  it('keeps all 64 bits of a unique', () => {
    expect(
      parseWitnessLine('fuse_request_end: connection 1 req 9223372036854775816 len 16 error 0'),
    ).toMatchObject({ unique: (1n << 63n) | 8n });
  });

  it('notices lost events', () => {
    expect(parseWitnessLine('CPU:1 [LOST 2345 EVENTS]')).toEqual({ kind: 'lost', count: 2345 });
    expect(parseWitnessLine('CPU:0 [LOST EVENTS]')).toEqual({ kind: 'lost', count: 0 });
  });

  it('passes over markers and empty lines', () => {
    expect(parseWitnessLine('tracing_mark_write: fuse-rig first marker')).toBeUndefined();
    expect(parseWitnessLine('')).toBeUndefined();
    expect(parseWitnessLine('# tracer: nop')).toBeUndefined();
  });

  it.each([
    'fuse_request_send: connection 40 req 2',
    'fuse_request_end: connection x req 2 len 1 error 0',
    'sched_switch: prev_comm=bash',
  ])('throws on %s', (line) => {
    expect(() => parseWitnessLine(line)).toThrow(/no line of a fuse witness/);
  });
});

describe('lostInStats', () => {
  it('adds up every way of losing', () => {
    const stats =
      'entries: 5\noverrun: 3\ncommit overrun: 2\nbytes: 900\ndropped events: 1\nread events: 69\n';
    expect(lostInStats(stats)).toBe(6);
    expect(lostInStats('entries: 5\noverrun: 0\ncommit overrun: 0\ndropped events: 0\n')).toBe(0);
  });
});
