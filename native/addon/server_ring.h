// One io_uring instance of the server, mapped by the rig. The ring stays the kernel's and the
// server's; the rig looks at the SQEs that are about to be submitted, takes FUSE commands out of them,
// and leaves NOPs that complete without a CQE.
#pragma once

#include <linux/io_uring.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "fd.h"

namespace fuse_rig {

// Later than Debian 12's <linux/io_uring.h> (include/uapi/linux/io_uring.h of Linux 6.18).
constexpr uint32_t kSetupNoSqArray = 1U << 16;

// What TypeScript reads of a command (rig/seam/ring_commands.ts knows these offsets).
struct RingCommand {
  uint32_t ring;
  int32_t index;      // of the device in the descriptor range
  uint32_t opcode;    // IORING_OP_*: URING_CMD, or one the rig cannot carry out on the device
  uint32_t cmd_op;    // FUSE_IO_URING_CMD_*
  uint32_t len;
  uint32_t qid;
  uint32_t flags;     // kSqe128, kLinksOn, kDrain
  int32_t tid;        // who submitted it
  uint64_t user_data;
  uint64_t commit_id;
  uint64_t cmd_flags;
  uint64_t addr;
};
static_assert(sizeof(RingCommand) == 64, "rig/seam/ring_commands.ts knows these offsets");
constexpr uint32_t kSqe128 = 1, kLinksOn = 2, kDrain = 4;

class ServerRing {
 public:
  // Maps the ring behind `fd` (a duplicate of the server's), made with these parameters; null on failure.
  static ServerRing* Map(Fd fd, const io_uring_params& asked, uint64_t inode);
  ~ServerRing();
  ServerRing(const ServerRing&) = delete;

  int fd() const { return fd_.get(); }
  uint64_t inode() const { return inode_; }
  bool Fits(const io_uring_params& asked) const;

  // SQEs that the server has made and the kernel has not taken.
  uint32_t Ready() const;
  // Waits until the kernel has taken what an enter that was let go will submit; bounded.
  void Await(pid_t tid) const;
  // An enter of `tid` is about to submit `n`.
  void Submitting(pid_t tid, uint32_t n);
  // More than one thread enters this ring.
  bool shared() const { return shared_; }

  // Which device lies in a slot of the ring's file table; -1 for none.
  void SetFile(uint32_t slot, int index);
  void ClearFiles() { files_.clear(); }

  // Looks at the first `n` SQEs. `device` gives the index of a descriptor number in the range, or -1.
  // A command that a link makes wait for its predecessor is kept in `linked` under the token that a
  // message into the ring with descriptor `messages` will carry; others come at once.
  struct Taken {
    std::vector<RingCommand>* now;
    std::map<uint64_t, RingCommand>* linked;
    uint64_t* next_token;
    std::function<int()> messages;  // the server's descriptor of the rig's ring, or -errno
  };
  void Take(uint32_t n, pid_t tid, uint32_t number, const std::function<int(int)>& device, const Taken& to);

 private:
  ServerRing() = default;
  io_uring_sqe* Sqe(uint32_t position) const;
  int DeviceOf(const io_uring_sqe& sqe, const std::function<int(int)>& device) const;

  Fd fd_;
  uint64_t inode_ = 0;
  uint8_t* ring_ = nullptr;
  size_t ring_size_ = 0;
  uint8_t* sqes_ = nullptr;
  size_t sqes_size_ = 0;
  io_uring_params params_{};
  uint32_t *head_ = nullptr, *tail_ = nullptr, *array_ = nullptr;
  uint32_t mask_ = 0;
  std::map<uint32_t, int> files_;
  pid_t submitter_ = 0;
  uint32_t expected_head_ = 0;
  bool shared_ = false;
};

}  // namespace fuse_rig
