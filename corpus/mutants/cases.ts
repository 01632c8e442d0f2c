/**
 * Which case is for which mutants: a scene's capture, how it is replayed, and what must be found. The cases
 * themselves lie in corpus/mutants/cases; record.ts makes them of these rows.
 */
import type { CaseOptions } from '../../rig/cases/case.ts';
import { ASKED } from './asked_cases.ts';
import { ENDS } from './end_cases.ts';

export interface MutantCase {
  name: string;
  /** What it stands for, for people. */
  about: string;
  scene: string;
  /** Options of the server that is replayed to; those of the scene if absent. */
  server?: readonly string[];
  /** Words before the server; those of the scene if absent. */
  before?: readonly string[];
  options?: Partial<CaseOptions>;
  faults?: readonly string[];
  /** Each mutant, and the check that must catch it. */
  mutants: Readonly<Record<string, string>>;
}

export const CASES: readonly MutantCase[] = [...ENDS, ...ASKED];
