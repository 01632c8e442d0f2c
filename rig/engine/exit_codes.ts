/** What every command's exit code means; the one table of them. */
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

/** The same in words, for `--help`. */
export const EXIT_MEANING: Record<keyof typeof EXIT, string> = {
  pass: 'pass',
  findings: 'findings: a check failed',
  usage: 'usage: the command line or an input file cannot be used',
  divergence: 'divergence: the server answered differently from the capture',
  rigFailed: 'the rig itself failed',
  notDeterministic: 'not deterministic: two runs differ',
  inconclusive: 'inconclusive: something could not be checked',
  missingFeature: 'this machine lacks a needed feature; fuse-rig doctor names it',
};
