// One io_uring instance of the server, mapped by the rig. The ring stays the kernel's and the
// server's; the rig looks at the SQEs that are about to be submitted, takes FUSE commands out of them,
// and leaves NOPs that complete without a CQE.
#pragma once

#include <linux/io_uring.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "fd.h"
#include "ring_own.h"

namespace fuse_rig {

// Later than Debian 12's <linux/io_uring.h> (include/uapi/linux/io_uring.h of Linux 6.18).
constexpr uint32_t kSetupNoSqArray = 1U << 16;

// What TypeScript reads of a command (rig/seam/ring_commands.ts knows these offsets).
struct RingCommand {
  uint32_t ring;
  int32_t index;      // of the device in the descriptor range; -1: see flags
  uint32_t opcode;    // IORING_OP_*: URING_CMD, or one the rig cannot carry out on the device
  uint32_t cmd_op;    // FUSE_IO_URING_CMD_*
  uint32_t len;
  uint32_t qid;
  uint32_t flags;     // those below
  int32_t tid;        // who submitted it
  uint64_t user_data;
  uint64_t commit_id;
  uint64_t cmd_flags;
  uint64_t addr;
};
static_assert(sizeof(RingCommand) == 64, "rig/seam/ring_commands.ts knows these offsets");

// Tokens of linked commands count in these: they lie over cmd_op, and must not look like one.
constexpr uint64_t kTokenStep = 1U << 16;

constexpr uint32_t kSqe128 = 1;
constexpr uint32_t kLinksOn = 2;       // the next SQE is linked to it
constexpr uint32_t kDrain = 4;         // it has IOSQE_IO_DRAIN
constexpr uint32_t kDrainBeside = 8;   // no command: another SQE with IOSQE_IO_DRAIN, which will fail
constexpr uint32_t kQuiet = 32;        // it has IOSQE_CQE_SKIP_SUCCESS
constexpr uint32_t kCareless = 16;     // no command: an enter was let go unsafely

class ServerRing {
 public:
  // Maps the ring behind `fd` (a duplicate of the server's), made with these parameters; null on failure.
  static ServerRing* Map(Fd fd, const io_uring_params& asked, uint64_t inode);
  ~ServerRing();
  ServerRing(const ServerRing&) = delete;

  int fd() const { return fd_.get(); }
  uint64_t inode() const { return inode_; }
  bool defers() const { return defers_; }

  // SQEs that `tid` may submit by the enter it makes now: those the server has made, less what the
  // enters that were let go before it, and have not come to the kernel yet, will take.
  uint32_t Ready(pid_t tid);
  // Waits until no such enter is on its way; bounded.
  void Await();
  bool MustAwait() const { return must_await_; }
  // An enter of `tid` is let go and submits `n`.
  void Submitting(pid_t tid, uint32_t n);
  // More than one thread enters this ring.
  bool shared() const { return submitters_.size() > 1; }
  // An enter of a shared ring asks for more than there is. It must not submit what other threads add
  // behind our look: it is answered early and made again, until all others are held by us and cannot.
  enum class Early { kAnswer, kLetGo, kLetGoUnsafely };
  Early AnswerEarly(pid_t tid);

  // IORING_REGISTER_FILES: refused by the kernel while there is a table.
  void MakeTable(const std::vector<int32_t>& fds, const std::function<int(int)>& device);
  void UpdateTable(uint32_t from, const std::vector<int32_t>& fds, const std::function<int(int)>& device);
  void DropTable() { files_.clear(); }

  // Looks at the first `n` SQEs that were not looked at before. `device` gives the index of a
  // descriptor number in the range, or -1. A command that a link makes wait for its predecessor is kept
  // in `linked` under the token that a message into the ring with descriptor `messages` will carry;
  // others come at once.
  struct Taken {
    std::vector<RingCommand>* now;
    std::map<uint64_t, RingCommand>* linked;
    uint64_t* next_token;
    std::function<int(int)> device;
    std::function<int()> messages;  // the server's descriptor of the rig's ring, or -errno
    uint64_t* asked;  // bit n: the server asked for IORING_OP_ n
  };
  void Take(uint32_t n, pid_t tid, uint32_t number, const Taken& to);

  // Requests of the server's own that are under way.
  OwnRequests& own() { return own_; }

 private:
  // So often is somebody answered early before the others are looked at, and before it is let go all the
  // same: it would never get anywhere.
  static constexpr uint32_t kEarlyMin = 16, kEarlyMax = 4096;

  // What the rig left in a slot, and what had been there: the kernel leaves SQEs as they are, so a server
  // may submit one again without writing it anew.
  struct Mark {
    bool used = false;
    uint8_t opcode = 0, flags = 0;  // the server's
  };
  struct Before {
    uint8_t sqe[64], left[64];
  };

  ServerRing() = default;
  bool HasTable() const;
  io_uring_sqe* Sqe(uint32_t position, uint32_t* slot) const;
  uint32_t Begin();
  int DeviceOf(const io_uring_sqe& sqe, const std::function<int(int)>& device) const;
  void Restore(io_uring_sqe* sqe, uint32_t slot, const std::function<int(int)>& device);
  RingCommand Command(const io_uring_sqe& sqe, int index, pid_t tid, uint32_t number) const;
  void Exchange(io_uring_sqe* sqe, uint32_t slot, const RingCommand& c, bool waits, const Taken& to);
  void LearnFiles(const io_uring_sqe& sqe, pid_t tid, const Taken& to);

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
  std::vector<Mark> marks_;                      // by slot
  std::unordered_map<uint32_t, Before> before_;  // by slot: of what a message stands for
  OwnRequests own_;
  std::set<pid_t> submitters_;
  std::map<pid_t, uint32_t> on_their_way_;  // enters that were let go: where each leaves the head
  uint32_t from_ = 0, looked_until_ = 0, early_ = 0;
  bool carries_ = false, polls_ = false, defers_ = false, must_await_ = false;
};

}  // namespace fuse_rig
