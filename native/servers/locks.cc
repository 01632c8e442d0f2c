// The lock table. Ranges of one owner replace each other and merge, as fcntl(2) says.
#include "locks.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "bugs.h"
#include "reply_port.h"

namespace fuse_rig {
namespace {

// More than can overtake their requests at a time: one a thread.
constexpr size_t kEarlyMax = 256;

bool Valid(const fuse_lk_in& in) {
  return in.lk.start <= in.lk.end &&
         (in.lk.type == F_RDLCK || in.lk.type == F_WRLCK || in.lk.type == F_UNLCK);
}

}  // namespace

const LockTable::Held* LockTable::Conflict(Key key, const Held& wanted) const {
  const auto found = held_.find(key);
  if (found == held_.end()) return nullptr;
  for (const Held& other : found->second) {
    if (other.owner == wanted.owner || other.end < wanted.start || wanted.end < other.start)
      continue;
    if (other.type == F_WRLCK || wanted.type == F_WRLCK) return &other;
  }
  return nullptr;
}

void LockTable::Apply(Key key, const Held& wanted) {
  std::vector<Held> next;
  Held merged = wanted;
  for (const Held& old : held_[key]) {
    if (old.owner != wanted.owner) {
      next.push_back(old);
      continue;
    }
    const bool touches = old.start <= wanted.end && wanted.start <= old.end;
    const bool adjoins = (wanted.end != UINT64_MAX && wanted.end + 1 == old.start) ||
                         (old.end != UINT64_MAX && old.end + 1 == wanted.start);
    if (old.type == wanted.type && (touches || adjoins)) {
      merged.start = std::min(merged.start, old.start);
      merged.end = std::max(merged.end, old.end);
      continue;
    }
    if (!touches) {
      next.push_back(old);
      continue;
    }
    Held part = old;
    if (old.start < wanted.start) {
      part.end = wanted.start - 1;
      next.push_back(part);
    }
    if (old.end > wanted.end) {
      part = old;
      part.start = wanted.end + 1;
      next.push_back(part);
    }
  }
  if (wanted.type != F_UNLCK) next.push_back(merged);
  if (next.empty()) {
    held_.erase(key);
  } else {
    held_[key] = std::move(next);
  }
}

int LockTable::Get(const Context& in, const fuse_lk_in& wanted, fuse_file_lock* out) {
  if (!Valid(wanted)) return EINVAL;
  std::lock_guard<std::mutex> hold(mutex_);
  const bool flock = (wanted.lk_flags & kLkFlock) != 0;
  const Held* other = Conflict({in.nodeid, flock},
                               {wanted.lk.start, wanted.lk.end, wanted.owner, wanted.lk.type, 0});
  *out = other == nullptr ? fuse_file_lock{0, 0, F_UNLCK, 0}
                          : fuse_file_lock{other->start, other->end, other->type, other->pid};
  return 0;
}

int LockTable::Set(const Context& in, const fuse_lk_in& wanted, bool wait) {
  if (!Valid(wanted)) return EINVAL;
  const bool flock = (wanted.lk_flags & kLkFlock) != 0;
  const Key key{in.nodeid, flock};
  const Held held{wanted.lk.start, wanted.lk.end, wanted.owner, wanted.lk.type, wanted.lk.pid};
  std::vector<Answer> answers;
  {
    std::lock_guard<std::mutex> hold(mutex_);
    if (held.type != F_UNLCK && Conflict(key, held) != nullptr) {
      if (!wait) return EAGAIN;
      if (stopped_) return ENOLCK;
      const auto early = std::find(early_.begin(), early_.end(), in.unique);
      if (early != early_.end()) {
        early_.erase(early);
        return Bug(bug::kInterruptUnsettled) ? kNoReply : EINTR;
      }
      if (!in.back->Keep()) return ENOLCK;
      waiters_.push_back({in.nodeid, in.unique, in.back, flock, held});
      return kNoReply;
    }
    Apply(key, held);
    answers = Grant();  // an unlock, or a write lock that became a read lock, lets others in
  }
  Send(answers);
  return 0;
}

void LockTable::Unlock(uint64_t node, uint64_t owner, bool flock) {
  std::vector<Answer> answers;
  {
    std::lock_guard<std::mutex> hold(mutex_);
    if (held_.count({node, flock}) == 0) return;
    Apply({node, flock}, {0, UINT64_MAX, owner, F_UNLCK, 0});
    answers = Grant();
  }
  Send(answers);
}

void LockTable::DropNode(uint64_t node) {
  std::vector<Answer> answers;
  {
    std::lock_guard<std::mutex> hold(mutex_);
    held_.erase({node, false});
    held_.erase({node, true});
    answers = Remove([&](const Waiter& w) { return w.node == node; }, ENOLCK);
  }
  Send(answers);
}

void LockTable::Interrupt(uint64_t unique) {
  std::vector<Answer> answers;
  {
    std::lock_guard<std::mutex> hold(mutex_);
    answers = Remove([&](const Waiter& w) { return w.unique == unique; }, EINTR);
    if (answers.empty()) {
      // Either answered already, then nothing will ever ask for it, or not arrived yet.
      early_.push_back(unique);
      if (early_.size() > kEarlyMax) early_.pop_front();
    }
  }
  Send(answers);
}

void LockTable::Stop(bool alive) {
  std::vector<Answer> answers;
  {
    std::lock_guard<std::mutex> hold(mutex_);
    stopped_ = true;
    answers = Remove([](const Waiter&) { return true; }, ENOLCK);
  }
  if (alive) return Send(answers);
  for (const Answer& one : answers) one.back->NoReply(one.unique);
}

template <class Which>
std::vector<LockTable::Answer> LockTable::Remove(Which which, int error) {
  std::vector<Answer> answers;
  waiters_.remove_if([&](const Waiter& w) {
    if (!which(w)) return false;
    answers.push_back({w.back, w.unique, error});
    return true;
  });
  return answers;
}

std::vector<LockTable::Answer> LockTable::Grant() {
  std::vector<Answer> answers;
  for (auto w = waiters_.begin(); w != waiters_.end();) {
    const Key key{w->node, w->flock};
    if (Conflict(key, w->wanted) != nullptr) {
      ++w;
      continue;
    }
    Apply(key, w->wanted);
    answers.push_back({w->back, w->unique, 0});
    w = waiters_.erase(w);
  }
  return answers;
}

void LockTable::Send(const std::vector<Answer>& answers) {
  for (const Answer& one : answers) one.back->Answer(one.unique, one.error);
}

}  // namespace fuse_rig
