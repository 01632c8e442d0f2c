/** Places of the parts of most bodies, without looking at the bytes. */
import type { Negotiated } from './negotiated.ts';
import type { Part } from './op-spec.ts';
import { type Place, structSize } from './parts.ts';

const NO_PLACES: readonly Place[] = [];
const alone = new WeakMap<Part, readonly Place[]>();

/**
 * The places of a body that is one structure, one run of data or nothing, as most are: no more need be
 * looked at. Undefined for any other, and where the size is wrong.
 */
export function placesOfOne(
  parts: readonly Part[],
  start: number,
  size: number,
  negotiated: Negotiated,
): readonly Place[] | undefined {
  const [part] = parts;
  if (part === undefined) return size === 0 ? NO_PLACES : undefined;
  if (parts.length > 1) return undefined;
  if (part.part === 'data') {
    return part.size === undefined ? [{ part, offset: start, size }] : undefined;
  }
  if (part.part !== 'struct' || structSize(part, negotiated) !== size) return undefined;
  let places = alone.get(part);
  if (places?.[0]?.size !== size || places[0].offset !== start) {
    places = [{ part, offset: start, size }];
    alone.set(part, places);
  }
  return places;
}
