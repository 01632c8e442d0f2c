// The way back of one request: the device handle it was read from, or the ring entry it came in.
#pragma once

#include <cstdint>

#include "fuse_abi.h"

namespace fuse_rig {

// Every request is given back once: by a reply that was taken, or by NoReply. Any thread may do it.
class ReplyPort {
 public:
  virtual ~ReplyPort() = default;
  // `head` is a fuse_out_header. 0 or a positive errno: then the request is still to be answered.
  virtual int SendReply(const char* head, const char* body, size_t body_size) = 0;
  // The opcode takes no reply, or nobody waits for one any more.
  virtual void NoReply(uint64_t /*unique*/) {}
  // Asked before a request is kept for later. False: it must be answered now.
  virtual bool Keep() { return true; }

  // A reply of nothing but its header.
  int Answer(uint64_t unique, int error) {
    const fuse_out_header head{sizeof head, -error, unique};
    return SendReply(reinterpret_cast<const char*>(&head), nullptr, 0);
  }
};

}  // namespace fuse_rig
