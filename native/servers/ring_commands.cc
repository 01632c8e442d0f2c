// The commands of a ring's entries: what is submitted, and what becomes of each completion.
#include <poll.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bugs.h"
#include "dispatch.h"
#include "ring.h"
#include "ring_thread.h"
#include "session.h"

namespace fuse_rig {
namespace {

constexpr uint64_t kWakeData = 0;  // user_data of the poll; an entry's is its address

}  // namespace

// REGISTER the first time, COMMIT_AND_FETCH from then on.
void RingThread::Submit(RingEntry* entry) {
  io_uring_sqe* sqe = uring_.Next();
  sqe->opcode = IORING_OP_URING_CMD;
  sqe->fd = session_->first().fd();
  if (session_->options().ring.fixed_file) {
    sqe->fd = 0;
    sqe->flags = IOSQE_FIXED_FILE;
  }
  sqe->cmd_op = entry->command();
  // As when another thread enters the same queue meanwhile.
  const bool commits = entry->command() == uring_cmd::kCommitAndFetch;
  if (Bug(bug::kHalfMadeSqe) && commits) uring_.Enter(0);
  if (entry->command() == uring_cmd::kRegister) {
    sqe->addr = reinterpret_cast<uint64_t>(entry->iovecs());
    sqe->len = 2;
  }
  sqe->user_data = reinterpret_cast<uint64_t>(entry);
  const fuse_uring_cmd_req request{0, entry->commit_id(), entry->qid(), {}};
  memcpy(reinterpret_cast<char*>(sqe) + offsetof(io_uring_sqe, cmd), &request, sizeof request);
  ++held_;
}

void RingThread::Commit(RingEntry* entry) {
  entry->Commits();
  Submit(entry);
  if (Bug(bug::kDoubleCommit)) Submit(entry);
  if (Bug(bug::kWriteAfterCommit) || Bug(bug::kWriteAfterCommitHeaders)) {
    uring_.Enter(0);
    entry->Clear(Bug(bug::kWriteAfterCommitHeaders));
  }
  ring_->GiveBack();
}

void RingThread::PollWake() {
  io_uring_sqe* sqe = uring_.Next();
  sqe->opcode = IORING_OP_POLL_ADD;
  sqe->fd = wake_.get();
  sqe->poll32_events = POLLIN;
  sqe->user_data = kWakeData;
}

void RingThread::Completed(const io_uring_cqe& cqe) {
  if (cqe.user_data == kWakeData) {
    Woken();
    return PollWake();  // what was written since makes it complete at once
  }
  auto* entry = reinterpret_cast<RingEntry*>(cqe.user_data);
  --held_;
  switch (-cqe.res) {
    case 0: return Serve(entry);
    case EAGAIN:
    case EINTR:
      if (Bug(bug::kCqeEagainDropped)) return;
      if (Bug(bug::kLockKeptOnError)) mutex_.lock();
      return Submit(entry);  // nothing was done yet: the same command again
    case ENOTCONN:
      if (Bug(bug::kCqeEnotconnFatal)) exit(1);
      [[fallthrough]];
    case ECONNABORTED: return;  // the normal end; that the connection is gone is told by the device
    default: return Refused(entry, -cqe.res);
  }
}

void RingThread::Refused(RingEntry* entry, int error) {
  // The end of the connection may come between a commit and the look for its request.
  if (session_->first().Dead()) return;
  const bool registering = entry->command() == uring_cmd::kRegister;
  const std::string what = std::string(registering ? "REGISTER" : "COMMIT_AND_FETCH") +
                           " of queue " + std::to_string(entry->qid()) + ": " + strerror(error);
  // A ring that cannot be completed is given up by the kernel: it goes on on the device, unless it
  // has not even looked at the command.
  if (registering && error != EOPNOTSUPP && !session_->options().ring.required) {
    return ring_->Note(what);
  }
  ring_->Fail(what);
}

void RingThread::Serve(RingEntry* entry) {
  const Incoming request = entry->Receive();
  ++requests_;
  if (!ring_->TakeUp()) return;  // the end has begun: the request ends with the connection
  if (!session_->TakeUp(request.head.opcode)) return ring_->GiveBack();
  if (Bug(bug::kReadAfterCommit) && request.head.opcode == op::kWrite) {
    return WriteBehind(entry, request);
  }
  const auto carry_out = [this, entry, request](char* scratch, size_t room) {
    char head[sizeof(fuse_out_header)];
    Dispatch(*session_, request, &session_->first(), entry,
             entry->MakeReply(head, scratch, room));
  };
  if (Worker* worker = session_->WorkerFor(request.head.opcode, true)) {
    worker->Add(carry_out);
  } else {
    carry_out(scratch_.data(), scratch_.size());
  }
}

// Of --bug read-after-commit: the client has its answer before its data is looked at.
void RingThread::WriteBehind(RingEntry* entry, const Incoming& request) {
  Body body = request.body;
  fuse_write_in in{};
  const char* data = nullptr;
  if (!body.Take(&in) || !body.Data(&data, in.size)) return;
  const fuse_write_out done{in.size, 0};
  const fuse_out_header out{sizeof out + sizeof done, 0, request.head.unique};
  entry->SendReply(reinterpret_cast<const char*>(&out), reinterpret_cast<const char*>(&done),
                   sizeof done);
  uring_.Enter(0);
  uint32_t written;
  const fuse_in_header& head = request.head;
  session_->fs().Write({head.unique, head.nodeid, head.uid, head.gid, head.pid,
                        &session_->first(), entry},
                       in, data, &written);
}

}  // namespace fuse_rig
