/** What random sequences are made of. */
import fc from 'fast-check';
import type { Negotiation } from '../good_reply.ts';
import { client, type Step } from '../step.ts';

/** Steps that belong together. */
export interface Move {
  readonly steps: readonly Step[];
  /** The client they are about. */
  readonly of?: string;
  /** The client that is no more there then. */
  readonly kills?: string;
  /** A device that is opened or closed. */
  readonly opens?: string;
  readonly closes?: string;
  /** The connection is gone then. */
  readonly ends?: true;
  /** A file of c0's must be open. */
  readonly reads?: true;
}

const clients = fc.constantFrom('c0', 'c1');
const asks = fc.oneof(
  { weight: 4, arbitrary: clients.map((c) => ({ of: c, operation: () => 'statfs m' })) },
  {
    weight: 2,
    arbitrary: clients.map((c) => ({ of: c, operation: () => `stat m/f${c}` })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(1, 512, 4096)
      .map((size) => ({ of: 'c0', operation: () => `read x ${size} 0`, reads: true as const })),
  },
);
export const asking: fc.Arbitrary<Move> = asks.map(({ operation, ...rest }) => ({
  ...rest,
  steps: [client(rest.of, operation())],
}));

export const INIT_FIELDS: fc.Arbitrary<Negotiation> = fc
  .tuple(
    fc.constantFrom(65536, 4096, 100, 1 << 20),
    fc.constantFrom(0, 1, 256),
    fc.subarray(['ABORT_ERROR', 'MAX_PAGES', 'ASYNC_READ'] as const),
  )
  .map(([max_write, max_pages, flags]) => ({
    init: { max_write, max_pages },
    flags: ['PARALLEL_DIROPS', ...flags],
  }));

/** The steps of the moves that can be made: nobody asks who is dead, nothing is closed twice. */
export function without(moves: readonly Move[], opened: boolean): Step[] {
  const dead = new Set<string>();
  const open = new Set<string>();
  const steps: Step[] = [];
  let ended = false;
  // Each LOOKUP asks for a name of its own, which the kernel has heard nothing of.
  let names = 0;
  for (const move of moves) {
    if (move.of !== undefined && dead.has(move.of)) continue;
    if (move.reads && !opened) continue;
    if (ended && (move.of !== undefined || move.ends)) continue;
    if (move.ends) ended = true;
    if (move.opens !== undefined && open.has(move.opens)) continue;
    if (move.closes !== undefined && !open.has(move.closes)) continue;
    if (move.opens !== undefined) open.add(move.opens);
    if (move.closes !== undefined) open.delete(move.closes);
    if (move.kills !== undefined) dead.add(move.kills);
    steps.push(
      ...move.steps.map((step) => {
        const name = step.client && step.says.includes('m/f') ? `f${names++}` : undefined;
        if (name === undefined) return step;
        const renamed = step.says.replace(/m\/f\S*/, `m/${name}`);
        return client(step.client ?? '', renamed.slice(renamed.indexOf(': ') + 2));
      }),
    );
  }
  return steps;
}
