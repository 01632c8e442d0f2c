/** What a check makes of a commit is what the model makes of it: `commitRefusal` against `copyFromRing`. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runs } from '../../protocol/arbitraries.ts';
import { encode } from '../../protocol/codec.ts';
import { commitRefusal, ENT_OFFSET, IN_OUT_OFFSET } from '../../protocol/ring.ts';
import { OUT_HEADER } from '../../protocol/structs-common.ts';
import { URING_ENT_IN_OUT, URING_REQ_HEADER } from '../../protocol/structs-session.ts';
import type { FuseReq } from '../request.ts';
import { copyFromRing } from './copy.ts';
import type { RingEntry } from './entry.ts';
import type { Memory } from './ring_kernel.ts';

const EFAULT = -14;
const HEADERS = 0x1000;
const PAYLOAD = 0x2000;
const PAYLOAD_SIZE = 64;
const UNIQUE = 26n;

const commits = fc.record({
  error: fc.oneof(fc.constant(0), fc.integer({ min: -600, max: 600 })),
  unique: fc.constantFrom(0n, 2n, 24n, 26n, 27n, 26n, 26n, 26n),
  size: fc.nat(70),
  min: fc.nat(20),
  more: fc.constantFrom(0, 0, 8, 40),
  headers: fc.constantFrom(true, true, true, true, false),
  payload: fc.boolean(),
});

it('says of a commit what the model says', () => {
  const property = fc.property(commits, (made) => {
    const { error, unique, size, min, more } = made;
    const limits = { min, max: Math.min(min + more, PAYLOAD_SIZE) };
    const headers = new Uint8Array(URING_REQ_HEADER.size);
    headers.set(encode(OUT_HEADER, { len: 99, error, unique }), IN_OUT_OFFSET);
    headers.set(encode(URING_ENT_IN_OUT, { payload_sz: size }), ENT_OFFSET);
    const memory: Memory = {
      read(address, length) {
        const at = address - HEADERS;
        if (address >= PAYLOAD) return made.payload ? new Uint8Array(length) : EFAULT;
        return made.headers ? headers.subarray(at, at + length) : EFAULT;
      },
      write: () => EFAULT,
      room: (length) => new Uint8Array(length),
      put: () => EFAULT,
    };
    const entry = { headers: HEADERS, payload: PAYLOAD, payloadSize: PAYLOAD_SIZE };
    const held = { ...entry, command: { memory } } as unknown as RingEntry;
    const { replied, error: got } = copyFromRing(held, {
      unique: Number(UNIQUE),
      limits,
    } as FuseReq);

    // As rig/seam/entry_memory.ts tells it: `len` is what was committed, the bytes are what there was.
    const len = 16 + (error === 0 ? size : 0);
    const there = made.payload || size === 0 ? len : 16;
    const reply = new Uint8Array(made.headers ? Math.min(len, there) : 0);
    if (made.headers) reply.set(encode(OUT_HEADER, { len, error, unique }));
    expect(commitRefusal(reply, Number(UNIQUE), limits)).toBe(replied ? 0 : got);
  });
  fc.assert(property, runs(20_000));
});
