// Everything that can be wrong with this server on purpose: `--bug NAME`. Each is a small version of
// what really went wrong in a FUSE server, at the one place that asks for it:
//
//   if (Bug(bug::kDoubleReply)) ...
//
// One row a bug: its name here, its name on the command line, what the server then does wrong. A name
// that is another with something behind is a variant of it.
#pragma once

#include <string>

#define FUSE_RIG_BUGS(ROW)                                                                         \
  /* How it ends. */                                                                               \
  ROW(kExitNobodyWoken, "exit-nobody-woken", "says stop, and wakes no thread that reads")          \
  ROW(kExitNobodyWokenWorker, "exit-nobody-woken-worker", "says stop, and wakes no worker")        \
  ROW(kExitEventLost, "exit-event-lost", "forgets the signal that comes with a request")          \
  ROW(kSignalBetween, "signal-between-check-and-read", "reads in its turn, though it has to end") \
  ROW(kEventfd4Bytes, "eventfd-4-bytes", "wakes its ring's thread with 4 bytes, which fails")      \
  ROW(kEnodevAsData, "enodev-as-data", "serves what its buffer holds, whatever the read said")     \
  ROW(kPollerrSpin, "pollerr-spin", "waits again after POLLERR, which is there for ever")          \
  ROW(kCqeEagainDropped, "cqe-eagain-dropped", "forgets a command that ended with -EAGAIN")        \
  ROW(kCqeEnotconnFatal, "cqe-enotconn-fatal", "takes -ENOTCONN at the unmount for a failure")     \
  ROW(kCqeEnotconnOne, "cqe-enotconn-fatal-one", "tells only one queue's thread of the end")       \
  ROW(kRingAdvertised, "ring-setup-fails-still-advertised", "promises a ring it could not set up") \
  ROW(kRingFreed, "ring-setup-fails-then-freed", "uses a ring at its end that it had to give up")  \
  ROW(kTeardownCircular, "teardown-circular", "waits for its commands before the unmount")         \
  ROW(kDoubleUnmount, "double-unmount", "unmounts although somebody else has")                     \
  ROW(kLockKeptOnError, "lock-kept-on-error", "keeps the queue's lock when a command is repeated") \
  /* Whose a buffer is. */                                                                         \
  ROW(kSharedRequestBuffer, "shared-request-buffer", "reads on into a request still in use")       \
  ROW(kSpilloverFreedTwice, "spillover-freed-twice", "frees a spill-over that it has handed on")   \
  ROW(kSpilloverKept, "spillover-kept", "hands a spill-over on, and reads into it again")          \
  ROW(kSpilloverMisaligned, "spillover-misaligned", "ends what is in place off a page's border")   \
  ROW(kPayloadUnbounded, "payload-unbounded", "copies a reply larger than the payload buffer")     \
  ROW(kWriteAfterCommit, "write-after-commit", "clears a payload it has committed")                \
  ROW(kWriteAfterCommitHeaders, "write-after-commit-headers", "clears headers it has committed")   \
  ROW(kReadAfterCommit, "read-after-commit", "answers a WRITE first, and then takes its data")     \
  ROW(kDoubleCommit, "double-commit", "commits a request twice")                                   \
  ROW(kHalfMadeSqe, "double-commit-half-made", "submits a commit before it is filled in")          \
  ROW(kReplyAfterTeardown, "reply-after-teardown", "answers what it keeps when the ring is gone")  \
  ROW(kFdClosedInUse, "fd-closed-in-use", "closes the device while others use its number")         \
  ROW(kStaleRequestState, "stale-request-state", "takes the last request for kept: so is the next") \
  ROW(kInFlightTwice, "in-flight-twice-decremented", "counts a request that is kept as done")      \
  /* Limits. */                                                                                    \
  ROW(kApertureTable, "aperture-table", "512 apertures, one a page, and sleeps when none is left") \
  ROW(kEmfileDropsEntries, "emfile-drops-entries", "leaves out entries it has no descriptor for")  \
  ROW(kEmfileForEver, "emfile-for-ever", "once it had no descriptor, it opens nothing any more")    \
  ROW(kEnospcLost, "enospc-lost", "answers a WRITE without space with success")                    \
  ROW(kEnospcLostShort, "enospc-lost-short", "answers a WRITE without space with 0 bytes")         \
  ROW(kMemlockFatal, "memlock-fatal", "has no way on when memory cannot be locked")                \
  ROW(kFdLeakOnInterrupt, "fd-leak-on-interrupt", "loses a descriptor with every INTERRUPT")       \
  ROW(kFdLeakPerSession, "fd-leak-per-session", "keeps a descriptor of every session that is over") \
  ROW(kMappingLeakPerSession, "mapping-leak-per-session", "keeps a shared mapping of every session") \
  ROW(kMemoryLeakPerSession, "memory-leak-per-session", "keeps the buffers of every session")      \
  ROW(kThreadLeakPerSession, "thread-leak-per-session", "keeps a thread of every session")         \
  ROW(kMaxWriteUnclamped, "max-write-unclamped", "promises more max_write than its buffer holds")  \
  ROW(kMaxWriteBelow4096, "max-write-below-4096", "reads into less than FUSE_MIN_READ_BUFFER")     \
  ROW(kMaxPagesWithoutFlag, "max-pages-without-flag", "says max_pages without FUSE_MAX_PAGES")     \
  ROW(kMaxPagesPageSize, "max-pages-without-flag-page", "takes a page for 1024 bytes")             \
  ROW(kDmaSizeIgnored, "dma-size-ignored", "-EIO for what one transfer cannot map, then nothing")  \
  /* The protocol. */                                                                              \
  ROW(kForgetAnswered, "forget-answered", "answers FORGET")                                        \
  ROW(kForgetLeaksEntry, "forget-leaks-entry", "never commits an entry without a reply")           \
  ROW(kParseErrorUnanswered, "parse-error-unanswered", "does not answer what it cannot parse")     \
  ROW(kDestroyUnanswered, "destroy-unanswered", "gives DESTROY no reply")                              \
  ROW(kDoubleReply, "double-reply", "answers an error twice")                                      \
  ROW(kId32Bit, "id-32-bit", "keeps a unique in 32 bits")                                          \
  ROW(kId32BitCommit, "id-32-bit-commit", "keeps a commit id in 32 bits")                          \
  ROW(kNotifyReplyBuffer, "notify-reply-wrong-buffer", "takes a retrieved page from the headers")  \
  ROW(kInitEcho, "init-echo", "answers INIT with flags that were not offered")                     \
  ROW(kInitPastEnd, "init-echo-past-end", "reads a short INIT past its end")                       \
  ROW(kOpcodeNull, "opcode-null", "calls what it has no row for")                                  \
  ROW(kInterruptUnsettled, "interrupt-unsettled", "drops a request whose INTERRUPT came first")  \
  ROW(kInterruptTwice, "interrupt-unsettled-twice", "drops a request whose INTERRUPT came twice")

namespace fuse_rig {
namespace bug {

enum Number {
  kNone,
#define FUSE_RIG_BUG_NUMBER(number, name, what) number,
  FUSE_RIG_BUGS(FUSE_RIG_BUG_NUMBER)
#undef FUSE_RIG_BUG_NUMBER
};

}  // namespace bug

inline bug::Number chosen_bug = bug::kNone;

inline bool Bug(bug::Number number) { return chosen_bug == number; }

// The bug of a name; kNone if there is none.
bug::Number FindBug(const std::string& name);
// One a line: name, tab, what it does wrong.
std::string ListBugs();

}  // namespace fuse_rig
