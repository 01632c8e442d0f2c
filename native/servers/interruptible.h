// Blocking system calls that a stop cannot miss.
//
// The classic race: a thread checks the stop flag, the signal arrives and is handled, and only then
// does the thread enter the blocking call and sleep for ever. Here the check and the system call
// instruction lie between two labels. The handler of kWakeSignal looks where it interrupted the
// thread: between the labels the call has not begun (or is about to be restarted), and the thread
// is sent to the exit that returns -EINTR; after the second label the call itself returned -EINTR
// or its result. So set the flag, signal every thread once: each of them sees it, without retries.
// This is how musl cancels threads (src/thread/x86_64/syscall_cp.s).
#pragma once

#include <atomic>
#include <csignal>

namespace fuse_rig {

constexpr int kWakeSignal = SIGUSR1;

// Not 0: stop. The labelled code looks at the number itself.
using StopFlag = std::atomic<int>;
static_assert(StopFlag::is_always_lock_free && sizeof(StopFlag) == 4);

// Result of the raw system call (negative errno), -EINTR if `*stop` is not 0.
extern "C" long fuse_rig_interruptible(const StopFlag* stop, long number, long a, long b, long c,
                                       long d, long e, long f);

// Installs the handler of kWakeSignal for the process.
void InstallWakeHandler();

}  // namespace fuse_rig
