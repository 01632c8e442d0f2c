/** Requests and replies as a ring entry holds them. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { replyArgsArb, requestArb, runs } from './arbitraries.ts';
import { buildRequest, encodeReply } from './build.ts';
import { encode } from './codec.ts';
import { writeU32 } from './cursor.ts';
import { bareReply } from './header.ts';
import { BEFORE_INIT } from './negotiated.ts';
import { OPCODES } from './opcodes.ts';
import {
  ENT_OFFSET,
  IN_OUT_OFFSET,
  joinReply,
  joinRequest,
  OP_IN_OFFSET,
  splitRequest,
  uringCmdOf,
  uringEntOf,
} from './ring.ts';
import { URING_CMD_REQ, URING_ENT_IN_OUT } from './structs-session.ts';

/** An entry's header buffer with stale bytes in it, as a request would be written there. */
function deliver(request: Parameters<typeof splitRequest>[0]) {
  const headers = new Uint8Array(288).fill(0xaa);
  const { header, opIn, payload, ent } = splitRequest(request);
  headers.set(header, IN_OUT_OFFSET);
  headers.set(opIn, OP_IN_OFFSET);
  headers.set(ent, ENT_OFFSET);
  return { headers, opIn, payload };
}

describe.each(OPCODES.map((op) => [op.name, op] as const))('%s', (_, op) => {
  it('is the same message after a trip through an entry', () => {
    const pair = requestArb(op).chain((made) =>
      replyArgsArb(made.request).map((reply) => ({ request: made.request, reply })),
    );
    fc.assert(
      fc.property(pair, ({ request, reply }) => {
        const { headers, payload } = deliver(request);
        expect(uringEntOf(headers)).toMatchObject({
          commit_id: request.unique,
          payload_sz: payload.length,
        });
        expect(joinRequest(headers, payload, request.negotiated).bytes).toEqual(request.bytes);

        const bytes = encodeReply(request, reply);
        headers.set(bytes.subarray(0, 16), IN_OUT_OFFSET);
        writeU32(headers, 0, 12345);
        const committed = { commit_id: request.unique, payload_sz: bytes.length - 16 };
        headers.set(encode(URING_ENT_IN_OUT, committed), ENT_OFFSET);
        expect(joinReply(headers, bytes.subarray(16))).toEqual(bytes);
      }),
      runs(10),
    );
  });
});

test('the structure goes to op_in, everything else to the payload', () => {
  const sizes = (request: Parameters<typeof splitRequest>[0]) => {
    const { opIn, payload } = splitRequest(request);
    return [opIn.length, payload.length];
  };
  const head = { unique: 4n, nodeid: 1n };
  expect(sizes(buildRequest('READ', head, {}))).toEqual([40, 0]);
  expect(sizes(buildRequest('LOOKUP', head, { name: 'f' }))).toEqual([0, 2]);
  expect(sizes(buildRequest('SYMLINK', head, { name: 'a', target: 'b' }))).toEqual([0, 4]);
  expect(sizes(buildRequest('MKDIR', head, { name: 'dir' }))).toEqual([8, 4]);
  const data = new Uint8Array(300);
  expect(sizes(buildRequest('NOTIFY_REPLY', head, { data }))).toEqual([0, 340]);
});

test('an error commits without its payload', () => {
  const headers = new Uint8Array(288);
  headers.set(bareReply(4n, -2));
  writeU32(headers, ENT_OFFSET + URING_ENT_IN_OUT.at.payload_sz, 0xffffffff);
  expect(joinReply(headers, new Uint8Array(0))).toEqual(bareReply(4n, -2));
});

test('sizes beyond the buffers are refused', () => {
  const { headers, payload } = deliver(buildRequest('LOOKUP', { unique: 4n }, { name: 'f' }));
  writeU32(headers, ENT_OFFSET + URING_ENT_IN_OUT.at.payload_sz, 0xffffffff);
  expect(() => joinRequest(headers, payload, BEFORE_INIT)).toThrow('uring_ent_in_out.payload_sz');
  const small = headers.subarray(0, 287);
  expect(() => joinRequest(small, payload, BEFORE_INIT)).toThrow('uring_req_header');
});

test('the command is read from byte 48 of an SQE', () => {
  const sqe = new Uint8Array(128);
  sqe.set(encode(URING_CMD_REQ, { commit_id: 6n, qid: 3 }), 48);
  expect(uringCmdOf(sqe)).toMatchObject({ flags: 0n, commit_id: 6n, qid: 3 });
});
