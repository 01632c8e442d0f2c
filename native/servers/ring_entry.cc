// Between an entry's buffers and requests and replies.
#include "ring_entry.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ring_thread.h"

namespace fuse_rig {

Incoming RingEntry::Receive() {
  Incoming in{};
  memcpy(&in.head, headers_->in_out, sizeof in.head);
  fuse_uring_ent_in_out ent;
  memcpy(&ent, &headers_->ring_ent_in_out, sizeof ent);
  commit_id_ = Bug(bug::kId32BitCommit) ? static_cast<uint32_t>(ent.commit_id) : ent.commit_id;
  request_size_ = std::min<size_t>(ent.payload_sz, payload_size_);

  // op_in has no length of its own: it holds what the payload does not. What lies behind that is
  // left from earlier requests.
  const size_t body = in.head.len - sizeof in.head;
  const size_t op_in = body - ent.payload_sz;
  in.well_formed = in.head.len >= sizeof in.head && ent.payload_sz <= body &&
                   op_in <= sizeof headers_->op_in && ent.payload_sz <= payload_size_;
  if (in.well_formed) in.body = Body(headers_->op_in, op_in, payload_, request_size_);
  if (Bug(bug::kNotifyReplyBuffer) && in.head.opcode == op::kNotifyReply)
    in.body = Body(headers_->op_in, sizeof headers_->op_in);
  return in;
}

Reply RingEntry::MakeReply(char* head, char* scratch, size_t room) const {
  if (Bug(bug::kPayloadUnbounded)) return Reply(head, scratch, room);
  if (request_size_ == 0) return Reply(head, payload_, payload_size_);
  return Reply(head, scratch, std::min(room, payload_size_));
}

int RingEntry::SendReply(const char* head, const char* body, size_t body_size) {
  if (body_size > payload_size_ && !Bug(bug::kPayloadUnbounded)) return EINVAL;
  memcpy(headers_->in_out, head, sizeof(fuse_out_header));
  if (body_size > 0 && body != payload_) memcpy(payload_, body, body_size);
  headers_->ring_ent_in_out.payload_sz = static_cast<uint32_t>(body_size);
  if (kept_) thread_->Unkeep(qid_);
  if (!Bug(bug::kStaleRequestState)) kept_ = false;
  thread_->GiveBack(this);
  return 0;
}

void RingEntry::Clear(bool headers) {
  if (headers) return memset(headers_->in_out, 0, sizeof(fuse_out_header)), void();
  memset(payload_, 0, 64);
}

bool RingEntry::Keep() { return kept_ = thread_->Keep(qid_); }

const iovec* RingEntry::iovecs() {
  iovecs_[0] = {headers_, sizeof *headers_};
  iovecs_[1] = {payload_, payload_size_};
  return iovecs_;
}

}  // namespace fuse_rig
