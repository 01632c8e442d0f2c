/** Where two canonical logs part. */

export interface LogDifference {
  /** Line number, from 1. */
  line: number;
  first: string;
  second: string;
}

export function firstDifferentLine(
  first: readonly string[],
  second: readonly string[],
): LogDifference | undefined {
  const count = Math.max(first.length, second.length);
  for (let i = 0; i < count; i++) {
    if (first[i] !== second[i]) {
      return { line: i + 1, first: first[i] ?? '(nothing)', second: second[i] ?? '(nothing)' };
    }
  }
  return undefined;
}
