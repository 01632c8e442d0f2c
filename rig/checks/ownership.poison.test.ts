/** ownership by poison: what the server wrote or read while the kernel owned it. */
import { describe, expect, it } from 'vitest';
import type { PoisonReadEvent, SpoiledEvent } from '../events.ts';
import { answered, failed, ms, passes, read, request, ring, spoiled } from './testing/ring_run.ts';

describe('poison that is gone', () => {
  it('must fail, with the moments', () => {
    expect(failed(...ring, ...answered, spoiled)).toEqual({
      check: 'ownership',
      verdict: 'fail',
      text: 'queue 1 entry 0: the server wrote 4096 bytes into a payload it had committed',
      details: [
        '0.003000 s   reply to READ unique 4 was committed; the kernel owns the payload from here',
        '0.005000 s   bytes 0..4095 changed while kernel-owned (poison of entry 1/0 gone)',
        'why          a committed buffer belongs to the kernel until the next CQE (struct fuse_ring_ent)',
      ],
    });
  });

  it('must fail in headers, and before the first request', () => {
    const headers: SpoiledEvent = {
      ...spoiled,
      ...{ buffer: 'headers', offset: 256, length: 8, unique: 0n, since: ms(1) },
    };
    const finding = failed(...ring, headers);
    expect(finding.text).toContain('wrote 8 bytes into headers it had registered');
    expect(finding.details[0]).toBe(
      '0.001000 s   it was registered; the kernel owns the headers from here',
    );
  });

  it('is one finding, however often', () => {
    const finding = failed(...ring, ...answered, spoiled, { ...spoiled, entry: 1 }, spoiled);
    expect(finding.text).toMatch(/\(the first of 3\)$/);
    expect(finding.details.slice(3)).toEqual([
      'queue 1 entry 1: the server wrote 4096 bytes into a payload it had committed',
      'queue 1 entry 0: the server wrote 4096 bytes into a payload it had committed',
    ]);
  });
});

describe('poison that comes back', () => {
  const run = [...ring, ...answered, request(4, 1, 1, 6n)];

  it('must fail in a reply', () => {
    expect(failed(...run, read)).toMatchObject({
      text: 'queue 1 entry 0: the reply to READ unique 6 holds 512 bytes of a buffer the server had given back',
      details: [
        '0.003000 s   reply to READ unique 4 was committed; the kernel owns the payload from here',
        '0.005000 s   bytes 16..527 of it are bytes 128..639 of the payload of queue 1 entry 0',
        'why          what lies in a committed buffer is the next request, whoever asks it',
      ],
    });
  });

  it('must fail in a file, whose name cannot speak to the terminal', () => {
    const finding = failed(...run, { ...read, unique: 0n, file: 'a/\u001b[2J', before: 99n });
    expect(finding.text).toBe(
      'queue 1 entry 0: file "a/\\x1b[2J" holds 512 bytes of a buffer the server had given back',
    );
    expect(finding.details).toHaveLength(2);
  });

  const stale: PoisonReadEvent = { ...read, entry: 1, at: 0, offset: 0, untouched: true };

  it('must fail where it was never written over in 64 bytes or more of data', () => {
    const finding = failed(...run, { ...stale, length: 64 });
    expect(finding).toMatchObject({
      text: 'queue 1 entry 1: READ unique 6 was answered with 64 bytes the server never wrote',
      details: [
        '0.005000 s   bytes 0..63 of the reply are as the kernel left them',
        'why          without poison the client gets stale bytes of READ unique 4',
      ],
    });
    const first = failed(...run, { ...stale, before: 0n });
    expect(first.details[1]).toContain('the client gets what lay there before');
  });

  it('passes padding, and structures of a fixed size', () => {
    passes(...run, { ...stale, length: 63 });
    passes(...run, request(5, 0, 0, 8n, 'STATX'), { ...stale, unique: 8n, length: 112 });
  });
});
