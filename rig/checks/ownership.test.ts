/**
 * ownership: for every rule a run that keeps it and a run that must fail. The events are those that a
 * ring server with that one mistake makes.
 */
import { describe, expect, it } from 'vitest';
import type { ReplayEvent } from '../events.ts';
import { buildRequest } from '../protocol/build.ts';
import { Ownership } from './ownership.ts';
import {
  answered,
  ECONNABORTED,
  EINVAL,
  ENOTCONN,
  ended,
  failed,
  ids,
  judge,
  ms,
  P,
  passes,
  read,
  refused,
  register,
  reply,
  request,
  ring,
  spoiled,
  teardown,
} from './testing/ring_run.ts';

describe('a run', () => {
  it('in which every buffer is in its owner`s hands passes, and is counted', () => {
    const [finding] = judge(...ring, ...answered, request(4, 0, 0, 6n), teardown, ended(9, 1, 0));
    expect(finding?.text).toBe('3 entries in 2 queues, 2 requests, 1 committed');
    passes(...ring, ...answered);
  });

  it('without a ring has nothing to find', () => {
    const bytes = buildRequest('READ', { unique: 4n }, {}).bytes;
    expect(judge({ kind: 'request', t: 1, ...ids, bytes }, teardown)).toEqual([]);
  });
});

describe('buffers that overlap', () => {
  it('must fail where one is registered twice', () => {
    const finding = failed(
      register(0, 0),
      register(1, 3, { headers: 0x10_0000, payload: 0x10_1000, t: ms(2) }),
    );
    expect(finding.text).toBe(
      'queue 1 entry 3: bytes 0..287 of its headers are bytes 0..287 of the headers of queue 0 entry 0',
    );
    expect(finding.details).toEqual([
      '0.001000 s   queue 0 entry 0 was registered: headers 0x100000+288, payload 0x101000+8192',
      '0.002000 s   queue 1 entry 3 was registered: headers 0x100000+288, payload 0x101000+8192',
      'why          REGISTER does not compare them: two requests are written over each other',
    ]);
  });

  it('must fail where headers lie in a payload, of the same entry too', () => {
    const inside = { headers: 0x10_1f00, payload: 0x50_0000 };
    expect(failed(register(0, 0), register(0, 1, inside)).text).toBe(
      'queue 0 entry 1: bytes 0..287 of its headers are bytes 3840..4127 of the payload of queue 0 entry 0',
    );
    expect(failed(register(0, 0, { payload: 0x10_0000 + 287 })).text).toBe(
      'queue 0 entry 0: bytes 0..0 of its payload are bytes 287..287 of the headers of queue 0 entry 0',
    );
  });

  it('must fail for any of many, wherever it lies', () => {
    const many = Array.from({ length: 8 }, (_, i) => register(0, i));
    for (let i = 0; i < 8; ++i) {
      const payload = 0x10_1000 + i * 0x1_0000 + P - 1;
      expect(failed(...many, register(1, 0, { payload })).text).toContain(
        `bytes 0..0 of its payload are bytes 8191..8191 of the payload of queue 0 entry ${i}`,
      );
    }
  });

  it('passes buffers that only touch, and those of entries that have ended', () => {
    passes(
      register(0, 0, { headers: 0x2000 - 288, payload: 0x2000 }),
      register(0, 1, { headers: 0x2000 + P, payload: 0x2000 + P + 288 }),
    );
    const again = register(0, 1, { headers: 0x10_0000, payload: 0x10_1000 });
    passes(register(0, 0), ended(2, 0, 0), again);
    passes(register(0, 0), { kind: 'ring-close', t: 2, ring: 1 }, again);
    expect(failed(register(0, 0), { kind: 'ring-close', t: 2, ring: 2 }, again).text).toContain(
      'queue 0 entry 1',
    );
  });

  it('passes the same addresses under another connection, and in another process', () => {
    passes(register(0, 0), register(0, 0, { conn: 2 }));
    const again = { headers: 0x10_0000, payload: 0x10_1000 };
    passes(register(0, 0, { pid: 7 }), register(0, 1, { ...again, pid: 8 }));
    expect(failed(register(0, 0, { pid: 7 }), register(0, 1, { ...again, pid: 7 })).text).toContain(
      'queue 0 entry 1',
    );
  });

  it('must fail under two connections of one process', () => {
    const finding = failed(register(0, 0, { pid: 7 }), register(0, 0, { conn: 2, pid: 7 }));
    expect(finding.text).toContain('of the headers of queue 0 entry 0');
  });

  it('are found once; what is then found in them means nothing', () => {
    const shared = register(1, 3, { headers: 0x10_0000, payload: 0x10_1000 });
    const consequences: ReplayEvent[] = [
      { ...spoiled, qid: 0, entry: 0 },
      { ...spoiled, qid: 1, entry: 3 },
      { ...read, qid: 0, entry: 0 },
      { ...read, qid: 1, entry: 0, unique: 8n },
    ];
    expect(
      failed(register(0, 0), register(1, 0), shared, request(4, 1, 3, 8n), ...consequences).text,
    ).toContain('headers');
  });
});

describe('a commit', () => {
  it('must fail the second time', () => {
    const finding = failed(...ring, ...answered, refused(4, 1, 4n));
    expect(finding.text).toBe('queue 1 entry 0: READ unique 4 was committed twice');
    expect(finding.details).toEqual([
      '0.002000 s   it was delivered in queue 1 entry 0',
      '0.003000 s   its reply was committed',
      '0.004000 s   committed again on queue 1: refused with -ENOENT',
      "why          one CQE, one commit: the buffers were the kernel's already",
    ]);
    const later = [request(4, 1, 0, 6n), reply(5, 1, 0, 6n)];
    expect(failed(...ring, ...answered, ...later, refused(6, 1, 4n)).text).toContain('twice');
  });

  it('must fail on a queue that the request did not come from', () => {
    const finding = failed(...ring, request(2, 1, 1, 4n), refused(3, 0, 4n));
    expect(finding.text).toBe('queue 0: READ unique 4 was committed here, but belongs to queue 1');
    expect(finding.details[0]).toBe('0.002000 s   it was delivered in queue 1 entry 1');
    expect(failed(...ring, request(2, 1, 1, 4n), refused(3, 0, 4n, ENOTCONN)).text).toContain(
      'belongs to queue 1',
    );
  });

  it('must fail for what never came', () => {
    const finding = failed(...ring, ...answered, refused(4, 1, 0x1an));
    expect(finding.text).toBe(
      'queue 1: unique 26 was committed, and no such request came on a ring',
    );
    expect(failed(...ring, refused(1, 0, 0n)).text).toContain('unique 0 was committed');
  });

  it('must fail on a queue that is not there', () => {
    expect(failed(...ring, request(2, 1, 0, 4n), refused(3, 64, 4n, EINVAL)).text).toBe(
      'queue 64: COMMIT_AND_FETCH on a queue that does not exist (there are 2, one a possible CPU)',
    );
    expect(failed(register(0, 0), request(2, 0, 0, 4n), refused(3, 1, 4n, ENOTCONN)).text).toBe(
      'queue 1: COMMIT_AND_FETCH on a queue that does not exist (no entry was registered there)',
    );
  });

  it('passes after the end of the connection, if a reply was under way', () => {
    for (const result of [ENOTCONN, ECONNABORTED]) {
      passes(...ring, ...answered, request(4, 0, 0, 6n), teardown, refused(9, 0, 6n, result));
    }
  });

  it('must fail after it, where the request was committed before or never came', () => {
    const late = [
      ...ring,
      ...answered,
      request(4, 0, 0, 6n),
      teardown,
      refused(9, 0, 6n, ENOTCONN),
    ];
    expect(failed(...late, refused(10, 0, 6n, ENOTCONN)).text).toBe(
      'queue 0 entry 0: READ unique 6 was committed twice',
    );
    expect(failed(...late, refused(10, 1, 4n, ENOTCONN)).text).toContain(
      'unique 4 was committed twice',
    );
    expect(failed(...late, refused(10, 1, 8n, ENOTCONN)).text).toContain('no such request');
  });

  it('passes refusals that are not the server`s doing', () => {
    // Faults: the id waits on that very queue, or the result is one of the transport.
    passes(...ring, request(2, 1, 0, 4n), refused(3, 1, 4n), reply(4, 1, 0, 4n));
    passes(...ring, ...answered, refused(4, 1, 4n, -11), refused(5, 1, 4n, EINVAL));
    // A held SQE that ends is no refusal, whatever it was sent for.
    passes(...ring, ...answered, refused(4, 1, 4n, ENOTCONN, { entry: 0 }));
  });

  it('is remembered for long, but not for ever', () => {
    const check = new Ownership(2);
    for (const event of [...ring, ...answered]) check.take(event);
    for (let n = 0; n < 20_000; ++n) {
      check.take(request(4, 1, 0, BigInt(10 + 2 * n)));
      check.take(reply(4, 1, 0, BigInt(10 + 2 * n)));
    }
    check.take(refused(5, 1, BigInt(10 + 2 * 19_000)));
    check.take(refused(5, 1, 4n));
    expect(check.findings().map(({ text }) => text)).toEqual([
      'queue 1 entry 0: READ unique 38010 was committed twice',
      'queue 1: unique 4 was committed, and no such request came on a ring',
    ]);
  });
});

describe('a REGISTER', () => {
  const wrong = { entry: -1, headers: 0, payload: 0, payloadSize: 0, result: EINVAL };

  it('must fail on a queue that is not there', () => {
    const finding = failed(...ring, register(2, 0, wrong));
    expect(finding.text).toBe(
      'queue 2: REGISTER on a queue that does not exist (there are 2, one a possible CPU)',
    );
    const check = new Ownership();
    check.take(register(2, 0, wrong));
    expect(check.findings()).toMatchObject([{ verdict: 'pass' }]);
  });

  it('passes where the events do not tell why it was refused', () => {
    passes(...ring, register(1, 0, wrong), register(1, 0, { ...wrong, result: -11 }));
  });
});
