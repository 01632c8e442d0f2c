/** The reference server over FUSE over io_uring: its ways to hold a ring, as variants. */
import type { Recipe, Variant } from './recipe.ts';
import { referenceMemory, referencePassthrough } from './reference.ts';
import { missingRing } from './ring.ts';

/** The plain variant of a recipe, with the ring's options behind those it has. */
function ring(recipe: Recipe, name: string, ...options: string[]): Variant {
  const [program = '', ...words] = recipe.variants[0].command;
  const ours = ['--transport', 'ring', '--ring-required', ...options];
  return { name, command: [program, ...ours, ...words], missing: missingRing };
}

const overRing = (recipe: Recipe, name: string): Recipe => ({
  ...recipe,
  name,
  transport: 'ring',
  // A lock that waits holds an entry, and no INTERRUPT comes for what was queued when it was signalled.
  queuesBlock: true,
  variants: [
    ring(recipe, 'plain'),
    ring(recipe, 'one-thread', '--ring-threads', 'one'),
    ring(recipe, 'workers', '--ring-replies', 'worker'),
    ring(recipe, 'deferred', '--ring-flags', 'single_issuer,defer_taskrun'),
    ring(recipe, 'pinned', '--ring-pin', '--ring-fixed-file'),
  ],
});

export const referenceRingPassthrough = overRing(
  referencePassthrough,
  'reference-ring-passthrough',
);
export const referenceRingMemory = overRing(referenceMemory, 'reference-ring-memory');
