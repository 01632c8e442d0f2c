// Advisory locks of both file systems: POSIX locks and, apart from them, flock. The table knows
// nodes and lock owners by their numbers. A SETLKW that must wait is kept and answered when the
// lock is granted or when its INTERRUPT comes.
#pragma once

#include <list>
#include <map>
#include <mutex>
#include <vector>

#include "request.h"

namespace fuse_rig {

class LockTable {
 public:
  // F_UNLCK in `out` if nothing conflicts. Errors: EINVAL for a range or type that is none.
  int Get(const Context& in, const fuse_lk_in& wanted, fuse_file_lock* out);
  // EAGAIN on a conflict, or, if `wait`, kNoReply; ENOLCK where nobody can be kept waiting.
  int Set(const Context& in, const fuse_lk_in& wanted, bool wait);
  // Everything that `owner` holds on the node: at FLUSH (posix) and at the RELEASE of a flock.
  void Unlock(uint64_t node, uint64_t owner, bool flock);
  // The node is forgotten: its locks go, and who waits for one gets ENOLCK.
  void DropNode(uint64_t node);
  // Answers EINTR to the waiting request. An INTERRUPT may overtake its request when several
  // threads read: it is remembered, so that the request does not wait when it arrives.
  void Interrupt(uint64_t unique);
  // Answers ENOLCK to everything that waits or would wait from now on; on a connection that is gone
  // who waits is given back without an answer.
  void Stop(bool alive);

 private:
  struct Held {
    uint64_t start, end, owner;  // bytes, both ends included
    uint32_t type, pid;
  };
  struct Waiter {
    uint64_t node, unique;
    ReplyPort* back;
    bool flock;
    Held wanted;
  };
  struct Answer {
    ReplyPort* back;
    uint64_t unique;
    int error;
  };
  using Key = std::pair<uint64_t, bool>;  // node, flock

  const Held* Conflict(Key key, const Held& wanted) const;
  void Apply(Key key, const Held& wanted);
  // Grants what has become possible, oldest first.
  std::vector<Answer> Grant();
  // Takes waiters out; `error` is what each is to be told.
  template <class Which>
  std::vector<Answer> Remove(Which which, int error);
  static void Send(const std::vector<Answer>& answers);

  std::mutex mutex_;
  bool stopped_ = false;
  std::map<Key, std::vector<Held>> held_;
  std::list<Waiter> waiters_;
  std::list<uint64_t> early_;  // interrupts that came before their request, oldest first
};

}  // namespace fuse_rig
