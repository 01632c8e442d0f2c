// Locks: flock(2), POSIX and open file description locks.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "client.h"
#include "words.h"

namespace fuse_rig {
namespace {

const Flag kFlock[] = {{"SH", LOCK_SH}, {"EX", LOCK_EX}, {"UN", LOCK_UN}, {"NB", LOCK_NB}};
const Flag kType[] = {{"RD", F_RDLCK}, {"WR", F_WRLCK}, {"UN", F_UNLCK}};

// flock SLOT SH|EX|UN[|NB]
std::string Flock(Client& client, const Words& w) {
  return Result(flock(client.Slot(w[0]), static_cast<int>(Flags(kFlock, w[1]))));
}

struct flock Range(const Words& w) {
  struct flock lock {};
  lock.l_type = static_cast<short>(Flags(kType, w[1]));
  lock.l_whence = SEEK_SET;
  lock.l_start = NumberAt(w, 2, 0);
  lock.l_len = NumberAt(w, 3, 0);
  return lock;
}

template <int command>
std::string Lock(Client& client, const Words& w) {
  struct flock lock = Range(w);
  return Result(fcntl(client.Slot(w[0]), command, &lock));
}

// getlk SLOT TYPE [START] [SIZE]: what is in the way
std::string Getlk(Client& client, const Words& w) {
  struct flock lock = Range(w);
  const int n = fcntl(client.Slot(w[0]), F_GETLK, &lock);
  if (n < 0) return Result(n);
  if (lock.l_type == F_UNLCK) return "free";
  return std::string(lock.l_type == F_RDLCK ? "RD " : "WR ") + std::to_string(lock.l_start) + " " +
         std::to_string(lock.l_len) + (lock.l_pid > 0 ? " of a process" : " of no process");
}

}  // namespace

// TYPE START SIZE after the slot; `w` waits, `ofd` belongs to the open file
const std::vector<Op> kLockOps = {
    {"flock", 2, Flock},          {"setlk", 2, Lock<F_SETLK>},         {"setlkw", 2, Lock<F_SETLKW>},
    {"ofd_setlk", 2, Lock<F_OFD_SETLK>}, {"ofd_setlkw", 2, Lock<F_OFD_SETLKW>}, {"getlk", 2, Getlk},
};

}  // namespace fuse_rig
