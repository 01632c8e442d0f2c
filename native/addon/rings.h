// The server's rings by number, and by what its threads call them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "message_ring.h"
#include "server_ring.h"
#include "target.h"

namespace fuse_rig {

class Rings {
 public:
  // io_uring_setup of thread `tid` in process `tgid` was let go with these parameters (as they were
  // before the call): finds the ring it makes. `known`: rings the process had before, by inode. The
  // ring's number, or 0 where the call failed or the ring cannot be mapped.
  uint32_t Made(Descriptors* descriptors, pid_t tid, pid_t tgid, const io_uring_params& asked,
                const std::map<uint64_t, int>& known);
  // The number of the ring that descriptor `fd` of `tid` stands for; 0 for none of ours.
  uint32_t Find(Descriptors* descriptors, pid_t tid, int fd);
  ServerRing* ring(uint32_t number);
  // Rings that no process of the server holds any more, forgotten by this call.
  std::vector<uint32_t> Gone(Descriptors* descriptors);

  MessageRing messages;
  std::vector<RingCommand> now;             // taken by the enter that is looked at
  std::map<uint64_t, RingCommand> linked;   // by token
  uint64_t next_token = kTokenStep;
  // Bit n: the server has asked some ring for IORING_OP_ n, which is no FUSE command.
  uint64_t asked = 0;

  // Gives all of them up.
  void Clear();
  // Calls `use` with each ring.
  void Each(const std::function<void(ServerRing&)>& use);

 private:
  struct Holder { pid_t tgid; int fd; };
  struct Known {
    std::unique_ptr<ServerRing> ring;
    std::vector<Holder> holders;
  };
  bool Held(Descriptors* descriptors, const Known& known);
  void FindHolders(std::map<uint64_t, Known*>* wanted);
  std::map<uint32_t, Known> rings_;
  std::unordered_map<uint64_t, uint32_t> numbers_;  // by thread and descriptor
  uint32_t last_ = 0;
};

// Descriptors of a process that are io_uring instances, by inode.
std::map<uint64_t, int> RingDescriptors(pid_t pid);

}  // namespace fuse_rig
