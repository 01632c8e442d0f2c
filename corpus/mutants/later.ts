/** What goes wrong in real servers and no case catches yet, each with the reason. */

/** Bugs the reference server has (`--bug NAME`), without a case that is certain to show them. */
export const WITHOUT_CASE: Readonly<Record<string, string>> = {
  'cqe-eagain-dropped':
    'with one REGISTER that ends with -EAGAIN (--fault register=EAGAIN:when=1) the replay passes: the other queues serve everything',
};

/** Bugs seen in real servers that the reference server cannot be given yet. */
export const WITHOUT_MUTANT: Readonly<Record<string, string>> = {
  'exit-event-lost':
    'the exit and a request must be due in one epoll batch: needs a replay that orders them so',
  'signal-between-check-and-read':
    'the signal must come at one certain system call: needs a step "signal at the n-th read"',
  'destroy-unanswered':
    'DESTROY is asked of fuseblk and virtiofs only, and waited for there: neither is mounted here',
  'fixed-buffer-after-commit':
    'needs READ_FIXED and WRITE_FIXED on registered buffers, which no server here has',
  'fd-leak-per-session': 'shows over a hundred sessions of one process, a replay is one session',
  'init-short-read-past-end':
    'needs a guard page behind an INIT of an old minor in the server itself: INIT is copied whole here',
};
