/** What every command's exit code means. */
export const EXIT = {
  pass: 0,
  findings: 1,
  usage: 2,
  divergence: 3,
  rigFailed: 4,
  notDeterministic: 5,
  /** A fault that never fired, a check that could not be made. */
  inconclusive: 6,
  /** This machine lacks something that is needed; the message names it. */
  missingFeature: 77,
} as const;
