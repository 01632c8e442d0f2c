/**
 * What one row of the opcode table can say: the pieces of a request's and a reply's body in wire
 * order, and how the kernel treats the operation. `parts.ts` reads and builds messages from this,
 * `opcodes.ts` is the table.
 */
import type { InitFlag } from './init-flags.ts';
import type { FieldBit, Layout, Values } from './layout.ts';

/** A structure is only `size` bytes for a minor below `below`, or without an INIT flag. */
export interface Compat {
  readonly size: number;
  readonly below?: number;
  readonly without?: InitFlag;
}

export interface StructPart<L extends Layout = Layout> {
  readonly part: 'struct';
  readonly layout: L;
  readonly compat?: Compat;
}

/** A structure that may end after any byte from `min` on; what is missing reads as zero. */
export interface PrefixPart<L extends Layout = Layout> {
  readonly part: 'prefix';
  readonly layout: L;
  readonly min: number;
}

/** A name with a NUL after it; its length is what the field `size` says, or where the NUL is. */
export interface NamePart<N extends string = string> {
  readonly part: 'name';
  readonly as: N;
  readonly size?: string;
}

/** What the bytes of a data part are. */
export type DataView = 'bytes' | 'text' | 'names' | 'dirents' | 'direntplus';

/** The rest of the body (before extensions); exactly as long as the field `size` says, if any. */
export interface DataPart<N extends string = string> {
  readonly part: 'data';
  readonly as: N;
  readonly size?: string;
  readonly view: DataView;
}

/** As many structures as the field `count` of the structure before says. */
export interface ArrayPart<N extends string = string, L extends Layout = Layout> {
  readonly part: 'array';
  readonly as: N;
  readonly layout: L;
  readonly count: string;
}

/** `total_extlen` 8-byte units at the end of a request (`extensions.ts`). */
export interface ExtPart {
  readonly part: 'ext';
}

export type Part = StructPart | PrefixPart | NamePart | DataPart | ArrayPart | ExtPart;

/** Most bytes of a variable part: a number, or a field of the request's first structure. */
export type Bound = number | { readonly field: string; readonly atLeast?: number };

/** Exactly these parts, on success. */
export interface FixedReply<P extends readonly Part[] = readonly Part[]> {
  readonly kind: 'fixed';
  readonly parts: P;
}

/** The last part holds 0 to `max` bytes; those before it are complete. */
export interface VariableReply<P extends readonly Part[] = readonly Part[]> {
  readonly kind: 'variable';
  readonly parts: P;
  readonly max: Bound;
}

/** Fixed when the request's field is 0 (the caller asks for a size), else variable. */
export interface EitherReply<
  Z extends readonly Part[] = readonly Part[],
  P extends readonly Part[] = readonly Part[],
> {
  readonly kind: 'either';
  readonly field: string;
  readonly zero: FixedReply<Z>;
  readonly other: VariableReply<P>;
}

/** Never answered. */
export interface NoReply {
  readonly kind: 'none';
}

/** May be answered by a bare header (INTERRUPT). */
export interface OptionalReply {
  readonly kind: 'optional';
}

export type ReplySpec = NoReply | OptionalReply | FixedReply | VariableReply | EitherReply;

/** One row of the opcode table. */
export interface OpSpec {
  readonly name: string;
  readonly opcode: number;
  /** Protocol minor (of major 7) that brought it. */
  readonly since: number;
  readonly request: readonly Part[];
  readonly reply: ReplySpec;
  /** Goes through the background queue: always, or when a bit of its structure is set. */
  readonly background?: true | FieldBit;
  /** FR_FORCE: cannot be killed while pending, ignores blocked allocation and an unready ring. */
  readonly force?: true | FieldBit;
  /** On a ring its structure lies in the payload: the kernel's first argument is empty. */
  readonly payloadOnly?: true;
}

type PartValues<P> =
  P extends StructPart<infer L>
    ? Values<L>
    : P extends PrefixPart<infer L>
      ? Values<L>
      : P extends NamePart<infer N> | DataPart<infer N>
        ? { [K in N]: Uint8Array }
        : P extends ArrayPart<infer N, infer L>
          ? { [K in N]: Values<L>[] }
          : { ext: Uint8Array };

/** The decoded values of some parts, in one flat object. */
export type PartsValues<Ps> = Ps extends readonly [infer Head, ...infer Tail]
  ? PartValues<Head> & PartsValues<Tail>
  : unknown;

type ReplyParts<R> =
  R extends FixedReply<infer P>
    ? PartsValues<P>
    : R extends VariableReply<infer P>
      ? PartsValues<P>
      : R extends EitherReply<infer Z, infer P>
        ? Partial<PartsValues<Z>> & Partial<PartsValues<P>>
        : unknown;

export type RequestValues<R extends OpSpec> = PartsValues<R['request']>;
export type ReplyValues<R extends OpSpec> = ReplyParts<R['reply']>;

export const st = <L extends Layout, C extends Compat>(layout: L, compat?: C): StructPart<L> =>
  compat === undefined ? { part: 'struct', layout } : { part: 'struct', layout, compat };

export const prefix = <L extends Layout>(layout: L, min: number): PrefixPart<L> => ({
  part: 'prefix',
  layout,
  min,
});

export const name = <const N extends string>(as: N, size?: string): NamePart<N> =>
  size === undefined ? { part: 'name', as } : { part: 'name', as, size };

export const data = <const N extends string>(
  as: N,
  view: DataView = 'bytes',
  size?: string,
): DataPart<N> =>
  size === undefined ? { part: 'data', as, view } : { part: 'data', as, view, size };

export const array = <const N extends string, L extends Layout>(
  as: N,
  layout: L,
  count: string,
): ArrayPart<N, L> => ({ part: 'array', as, layout, count });

export const EXT: ExtPart = { part: 'ext' };

export const fixed = <const P extends readonly Part[]>(...parts: P): FixedReply<P> => ({
  kind: 'fixed',
  parts,
});

export const variable = <const P extends readonly Part[]>(
  max: Bound,
  ...parts: P
): VariableReply<P> => ({ kind: 'variable', parts, max });

export const either = <Z extends readonly Part[], P extends readonly Part[]>(
  field: string,
  zero: FixedReply<Z>,
  other: VariableReply<P>,
): EitherReply<Z, P> => ({ kind: 'either', field, zero, other });
