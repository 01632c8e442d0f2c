/** ownership: buffers that are too small, not mapped, or hold less than the reply. */
import { describe, expect, it } from 'vitest';
import type { OversizeEvent, ReplayEvent, UnmappedEvent } from '../events.ts';
import { buildReply, buildRequest } from '../protocol/build.ts';
import { OP } from '../protocol/opcodes.ts';
import {
  answered,
  EINVAL,
  failed,
  ids,
  ms,
  passes,
  register,
  request,
  ring,
} from './testing/ring_run.ts';

/** INIT that agrees on payloads of 128 KiB. */
const asked = buildRequest('INIT', { unique: 2n }, { major: 7, minor: 45 });
const agreed = buildReply('INIT', asked, { major: 7, minor: 45, max_write: 65536 });
const init: ReplayEvent[] = [
  { kind: 'request', t: 0, ...ids, bytes: asked.bytes },
  { kind: 'reply', t: 0, ...ids, result: 80, bytes: agreed.bytes },
];
const P = 131072;

/** A REGISTER that was refused, and what it offered. */
const offered = (headersSize: number, payloadSize: number): ReplayEvent =>
  register(1, 0, { entry: -1, headersSize, payloadSize, result: EINVAL });

describe('a REGISTER', () => {
  it('must fail with a payload that is too small', () => {
    expect(failed(...init, offered(288, P - 1))).toMatchObject({
      text: `queue 1: REGISTER with a payload of ${P - 1} bytes where ${P} are needed`,
      details: ['0.001000 s   refused with -EINVAL', expect.stringContaining('max_write')],
    });
  });

  it('must fail with headers that are too small', () => {
    expect(failed(...init, offered(287, P)).text).toBe(
      'queue 1: REGISTER with headers of 287 bytes where 288 are needed',
    );
  });

  it('passes where size is not why it was refused, or is not known', () => {
    passes(...init, register(0, 0), offered(288, P));
    passes(...init, register(0, 0), register(1, 0, { entry: -1, payloadSize: 0, result: EINVAL }));
  });
});

describe('a buffer that is not mapped', () => {
  const lost: UnmappedEvent = {
    ...{ kind: 'unmapped', t: ms(5), conn: 1, qid: 1, entry: 0, buffer: 'payload' },
    ...{ unique: 6n, opcode: OP.LOOKUP.opcode, committed: false },
  };

  it('must fail when a request is to be put there, with who was there before', () => {
    expect(failed(...ring, ...answered, lost)).toMatchObject({
      text: 'queue 1 entry 0: its payload is not mapped',
      details: [
        '0.003000 s   reply to READ unique 4 was committed; the kernel owns the payload from here',
        '0.005000 s   LOOKUP unique 6 cannot be put there: its client gets -EFAULT',
        'why          a registered buffer stays mapped until its entry ends (CQE -ENOTCONN)',
      ],
    });
    expect(failed(...ring, lost).details[0]).toBe(
      '0.001000 s   it was registered; the kernel owns the payload from here',
    );
  });

  it('must fail when a reply is to be read from there', () => {
    const committed: UnmappedEvent = {
      ...lost,
      buffer: 'headers',
      unique: 8n,
      opcode: 0,
      committed: true,
    };
    expect(failed(...ring, request(4, 1, 0, 8n), committed)).toMatchObject({
      text: 'queue 1 entry 0: its headers are not mapped',
      details: [
        '0.004000 s   READ unique 8 was delivered there',
        '0.005000 s   the reply to READ unique 8 was committed, and cannot be read',
        expect.stringMatching(/^why/),
      ],
    });
  });
});

describe('a reply', () => {
  it('must fail where its payload is too small for it', () => {
    const large: OversizeEvent = {
      ...{
        kind: 'oversize',
        t: ms(5),
        conn: 1,
        qid: 1,
        entry: 0,
        unique: 8n,
        size: 8200,
        room: 8192,
      },
    };
    expect(failed(...ring, request(4, 1, 0, 8n), large)).toMatchObject({
      text: 'queue 1 entry 0: READ unique 8 was answered with 8200 bytes, the payload has 8192',
      details: [
        '0.004000 s   READ unique 8 was delivered',
        '0.005000 s   its reply was committed with payload_sz 8200',
        expect.stringMatching(/^why/),
      ],
    });
  });
});
