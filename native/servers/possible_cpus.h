// How many queues the kernel has for FUSE over io_uring.
#pragma once

namespace fuse_rig {

constexpr char kPossibleCpus[] = "/sys/devices/system/cpu/possible";

// CPUs that may ever be there (num_possible_cpus), offline ones too: the kernel waits for entries of
// every one of them. 0, and errno, if that cannot be read; a guess would leave it waiting.
unsigned PossibleCpus();

}  // namespace fuse_rig
