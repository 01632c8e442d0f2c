// One entry of a ring queue: its two buffers, and whose turn it is. A request lies in the buffers
// from its completion to the commit of its reply, and is carried out there; from the commit on they
// are the kernel's.
#pragma once

#include <sys/uio.h>

#include "bugs.h"
#include "reply_port.h"
#include "request.h"

namespace fuse_rig {

class RingThread;

class RingEntry : public ReplyPort {
 public:
  RingEntry(RingThread* thread, uint16_t qid, char* headers, char* payload, size_t payload_size)
      : qid_(qid),
        thread_(thread),
        headers_(reinterpret_cast<fuse_uring_req_header*>(headers)),
        payload_(payload),
        payload_size_(payload_size) {}

  // The request that has just been delivered; the entry is ours until it is committed.
  Incoming Receive();
  // Where its reply is built: in place if the payload holds nothing of the request, since what an
  // operation reads must not change under it while it writes. `head` is room for a fuse_out_header.
  Reply MakeReply(char* head, char* scratch, size_t room) const;

  // To the buffers, and back to the ring's thread. EINVAL if it does not fit.
  int SendReply(const char* head, const char* body, size_t body_size) override;
  // A ring wants the entry of a request without reply back, too.
  void NoReply(uint64_t unique) override {
    if (!Bug(bug::kForgetLeaksEntry)) Answer(unique, 0);
  }
  bool Keep() override;

  // Makes the first bytes of the payload, or the header of the reply, zeros.
  void Clear(bool headers);

  // What the commands say.
  uint32_t command() const { return command_; }
  uint64_t commit_id() const { return commit_id_; }
  uint16_t qid() const { return qid_; }
  const iovec* iovecs();
  // From now on it is COMMIT_AND_FETCH.
  void Commits() { command_ = uring_cmd::kCommitAndFetch; }

 private:
  uint32_t command_ = uring_cmd::kRegister;  // the next one, or the one under way
  uint16_t qid_;
  RingThread* thread_;
  fuse_uring_req_header* headers_;
  char* payload_;
  size_t payload_size_;
  uint64_t commit_id_ = 0;
  bool kept_ = false;
  size_t request_size_ = 0;  // bytes of the request in the payload
  iovec iovecs_[2]{};        // read by the kernel while it registers
};

}  // namespace fuse_rig
