/** What a run of a campaign came to, as whoever runs plans says it. */

/** A check that failed. */
export interface Failure {
  readonly check: string;
  readonly text: string;
  readonly details: readonly string[];
}

/** What became of one rule. */
export interface RuleOutcome {
  readonly rule: string;
  readonly fired: number;
  readonly refused: number;
  /** No kernel does this. */
  readonly synthetic: boolean;
  /** Of a quota that was set: how often it was met. */
  readonly met?: number | undefined;
}

/** Where the canonical logs of two runs of one plan part. */
export interface Difference {
  readonly line: number;
  readonly first: string;
  readonly second: string;
}

export interface Outcome {
  /** As the exit code of a replay, but 0 where the plan never came true. */
  readonly exit: number;
  readonly failures: readonly Failure[];
  readonly rules: readonly RuleOutcome[];
  /** Fingerprint of the canonical log. */
  readonly log: string;
  readonly seconds: number;
  /** It was run twice, and the second run was another. */
  readonly difference?: Difference;
}

/** One run of a campaign. */
export interface Run {
  readonly index: number;
  readonly plan: readonly string[];
  /** Whether it was run twice. */
  readonly audited: boolean;
  readonly outcome: Outcome;
}

/** Something came true in the run, and all of it was what no kernel does. */
export const isSynthetic = ({ rules }: Pick<Outcome, 'rules'>): boolean =>
  rules.some(({ fired, synthetic }) => fired > 0 && synthetic);
