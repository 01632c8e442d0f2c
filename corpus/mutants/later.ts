/** What goes wrong in real servers and no case catches yet, each with the reason. */

/** Bugs the reference server has (`--bug NAME`), without a case that is certain to show them. */
export const WITHOUT_CASE: Readonly<Record<string, string>> = {
  'emfile-for-ever':
    'needs a quota that is given back: npm run campaign:live has it, on a real mount',
};

/** Bugs seen in real servers that the reference server cannot be given yet. */
export const WITHOUT_MUTANT: Readonly<Record<string, string>> = {
  'fixed-buffer-after-commit':
    'needs READ_FIXED and WRITE_FIXED on registered buffers, which no server here has',
};

/** Checks that find no mutant alone, with the reason why they are there. */
export const NEVER_ALONE: Readonly<Record<string, string>> = {
  progress: 'listens to faults only, of which these cases have few (faults/shortage.test.ts)',
};
