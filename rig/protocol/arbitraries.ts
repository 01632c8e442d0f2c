/**
 * fast-check arbitraries of messages, made from the rows: for property tests here and elsewhere.
 * Nothing in the engine imports this file.
 */
import fc from 'fast-check';
import { encodeRequest } from './build.ts';
import { encodeDirents } from './dirents.ts';
import { encodeExtensions } from './extensions.ts';
import { INIT_FLAG } from './init-flags.ts';
import type { Field, Layout } from './layout.ts';
import { Request } from './message.ts';
import { BEFORE_INIT, type Negotiated } from './negotiated.ts';
import type { DataPart, OpSpec, Part } from './op-spec.ts';
import { type Args, structSize } from './parts.ts';

/** Parameters of fc.assert: the seed comes from FUSE_RIG_SEED, else it is always the same. */
export const runs = (numRuns: number) => ({
  seed: Number(process.env.FUSE_RIG_SEED ?? 745),
  numRuns,
});

/** Most bytes of generated names and data. */
const SHORT = 24;

const u64Arb = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const NUMBERS = {
  u8: fc.integer({ min: 0, max: 2 ** 8 - 1 }),
  u16: fc.integer({ min: 0, max: 2 ** 16 - 1 }),
  u32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  s32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  u64: u64Arb,
  s64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
} as const;

const bytesArb = (most = SHORT) => fc.uint8Array({ maxLength: most });

/** A name: no NUL, no slash, at least one byte, UTF-8 or not. */
export const nameArb = fc
  .uint8Array({ minLength: 1, maxLength: SHORT })
  .map((name) => name.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte)));

function fieldArb(field: Field, room: number): fc.Arbitrary<unknown> {
  if (typeof field.type === 'object') return layoutArb(field.type, Math.max(room, 0));
  const one: fc.Arbitrary<unknown> =
    room >= field.size * (field.count || 1)
      ? NUMBERS[field.type]
      : fc.constant(field.size === 8 ? 0n : 0);
  const { count } = field;
  return count === 0 ? one : fc.array(one, { minLength: count, maxLength: count });
}

/** Values of a structure whose first `size` bytes are on the wire; the others are zero. */
export function layoutArb(layout: Layout, size = layout.size): fc.Arbitrary<Args> {
  return fc.record(
    Object.fromEntries(
      layout.list.map(([name, field]) => [name, fieldArb(field, size - field.offset)]),
    ),
  );
}

/** An extension blob that decodes. */
export const extArb: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.record({
        kind: fc.constant('secctx' as const),
        contexts: fc.array(fc.record({ name: nameArb, value: bytesArb() }), { maxLength: 2 }),
      }),
      fc.record({
        kind: fc.constant('groups' as const),
        groups: fc.array(NUMBERS.u32, { maxLength: 5 }),
      }),
    ),
    { maxLength: 2 },
  )
  .map(encodeExtensions);

const direntArb = fc.record({
  ino: u64Arb,
  off: u64Arb,
  type: fc.integer({ min: 0, max: 15 }),
  name: nameArb,
});

function dataArb(part: DataPart, most: number): fc.Arbitrary<Uint8Array> {
  if (part.view !== 'dirents' && part.view !== 'direntplus') return bytesArb(Math.min(most, SHORT));
  const plus = part.view === 'direntplus';
  return fc.array(direntArb, { maxLength: 3 }).map((list) => encodeDirents(list, plus, most));
}

function partArb(part: Part, negotiated: Negotiated, most: number): fc.Arbitrary<Args> {
  switch (part.part) {
    case 'struct':
      return layoutArb(part.layout, structSize(part, negotiated));
    case 'prefix':
      return layoutArb(part.layout);
    case 'name':
      return fc.record({ [part.as]: nameArb });
    case 'data':
      return fc.record({ [part.as]: dataArb(part, most) });
    case 'array':
      return fc.record({ [part.as]: fc.array(layoutArb(part.layout), { maxLength: 4 }) });
    default:
      return fc.record({ ext: extArb });
  }
}

/** Values for `parts`, announced lengths and counts right. Data has at most `most` bytes. */
export function partsArb(
  parts: readonly Part[],
  negotiated: Negotiated,
  most = SHORT,
): fc.Arbitrary<Args> {
  const values = fc.tuple(...parts.map((part) => partArb(part, negotiated, most)));
  return values.map((list) => {
    const args: Record<string, unknown> = Object.assign({}, ...list);
    for (const part of parts) {
      if (part.part === 'array') args[part.count] = (args[part.as] as unknown[]).length;
      if ((part.part === 'data' || part.part === 'name') && part.size !== undefined) {
        args[part.size] = (args[part.as] as Uint8Array).length;
      }
    }
    return args;
  });
}

/** What INIT may have agreed on, as far as it changes how messages look. */
export const negotiatedArb: fc.Arbitrary<Negotiated> = fc
  .record({
    minor: fc.constantFrom(45, 45, 45, 31, 16, 12, 11, 9, 8, 4, 3),
    flags: fc.constantFrom(0n, INIT_FLAG.SETXATTR_EXT),
  })
  .map((part) => ({ ...BEFORE_INIT, accepted: true, ...part }));

/** A well-formed request of one operation, and the values it was made from. */
export function requestArb(op: OpSpec): fc.Arbitrary<{ request: Request; args: Args }> {
  const head = fc.record({
    unique: u64Arb,
    nodeid: u64Arb,
    uid: NUMBERS.u32,
    gid: NUMBERS.u32,
    pid: NUMBERS.u32,
  });
  return negotiatedArb.chain((negotiated) =>
    fc.tuple(head, partsArb(op.request, negotiated)).map(([fields, args]) => {
      const bytes = encodeRequest(op, fields, args, negotiated);
      return { request: new Request(bytes, negotiated), args };
    }),
  );
}

/** Values of a success that this request may get. */
export function replyArgsArb(request: Request): fc.Arbitrary<Args> {
  const limits = request.replyLimits ?? { min: 0, max: 0 };
  return partsArb(request.replyParts, request.negotiated, limits.max - limits.min);
}
