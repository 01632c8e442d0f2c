/** Why a rule or a plan cannot be used: where, and what to write instead. */

export class RuleError extends Error {
  override name = 'RuleError';
  /** Offset in the rule's text, from 0. */
  readonly offset: number;
  readonly what: string;
  readonly hint: string;

  constructor(offset: number, what: string, hint: string) {
    super(`column ${offset + 1}: ${what}; ${hint}`);
    this.offset = offset;
    this.what = what;
    this.hint = hint;
  }
}

/** The plan file as a whole, or a place in it. */
export class PlanError extends Error {
  override name = 'PlanError';
}

const SHOWN_MAX = 40;

/** What was written, as a terminal may show it. */
export function quoted(text: string): string {
  const cut = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
  return JSON.stringify(cut).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (one) => `\\u{${(one.codePointAt(0) as number).toString(16)}}`,
  );
}

/** Fewest letters to change, add, take away or swap with their neighbour. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, i) => i)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const changed = at(i - 1, j - 1) + Number(a[i - 1] !== b[j - 1]);
      const swaps = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = swaps ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      rows[i]?.push(Math.min(changed, swapped, at(i - 1, j) + 1, at(i, j - 1) + 1));
    }
  }
  return at(a.length, b.length);
}

/** `did you mean read?`, or all there are. */
export function didYouMean(word: string, names: readonly string[], wanted: string): string {
  const lower = word.slice(0, SHOWN_MAX).toLowerCase();
  const near = names
    .map((name) => ({ name, far: distance(lower, name.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)[0];
  if (near !== undefined && near.far <= Math.max(1, Math.floor(near.name.length / 3))) {
    return `did you mean ${near.name}?`;
  }
  return names.length > 24
    ? `${wanted} ${names.slice(0, 6).join(', ')} ...`
    : `${wanted} ${names.join(', ')}`;
}
