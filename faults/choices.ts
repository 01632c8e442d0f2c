/** Which values of a fault are worth a run: those a kernel could bring about, or all of them. */
import type { ChangeFault, ErrnoRow, ResultFault } from './fault.ts';

/** Errnos of a fault; `nonblock`: where the handle is O_NONBLOCK, or may be. */
export const errnosOf = (fault: ResultFault, synthetic: boolean, nonblock = true): ErrnoRow[] =>
  fault.errnos.filter((row) => {
    const possible = row.possible !== undefined && (nonblock || row.nonblock !== true);
    return possible || synthetic;
  });

/** Words of a change. */
export const wordsOf = ({ words = [] }: ChangeFault, synthetic: boolean): string[] =>
  words.filter(({ possible }) => synthetic || possible !== undefined).map(({ word }) => word);
