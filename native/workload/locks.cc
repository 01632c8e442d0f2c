// Locks of two processes: refused, waited for, and a wait that a signal ends.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "workload.h"

namespace fuse_rig {
namespace {

int Lock(int fd, int command, short type, off_t start, off_t length) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  return fcntl(fd, command, &lock);
}

// Holds [0, 100), until told to let go. Its two pipes carry one byte a step.
struct Holder {
  pid_t pid = 0;
  int to[2] = {-1, -1}, from[2] = {-1, -1};

  void Start(const char* name) {
    if (pipe(to) < 0 || pipe(from) < 0) return;
    pid = fork();
    if (pid != 0) {
      Await();
      return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int fd = open(name, O_RDWR);
    Lock(fd, F_SETLK, F_WRLCK, 0, 100);
    flock(fd, LOCK_EX);
    char byte = 'h';
    if (write(from[1], &byte, 1) != 1 || read(to[0], &byte, 1) != 1) _exit(1);
    _exit(0);  // both kinds go with the process
  }
  void Await() {
    char byte;
    if (read(from[0], &byte, 1) != 1) Say("holder", std::string("gone"));
  }
  void LetGo() {
    const char byte = 'g';
    if (write(to[1], &byte, 1) != 1) Say("holder", std::string("gone"));
  }
  void End() {
    int status = 0;
    waitpid(pid, &status, 0);
    Say("locks: holder's exit", status);
    for (const int fd : {to[0], to[1], from[0], from[1]}) close(fd);
  }
};

void Alarmed(int) {}

// Signals until the wait ends: the first could come before it begins.
void AlarmIn50ms(bool on) {
  struct sigaction action{};
  action.sa_handler = Alarmed;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval timer = {{0, on ? 50000 : 0}, {0, on ? 50000 : 0}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

void WorkOnLocks() {
  const int fd = open("locked", O_RDWR | O_CREAT, 0600);
  SayResult("locks: read lock", Lock(fd, F_SETLK, F_RDLCK, 0, 50));
  SayResult("locks: becomes a write lock", Lock(fd, F_SETLK, F_WRLCK, 10, 10));
  SayResult("locks: unlock", Lock(fd, F_SETLK, F_UNLCK, 0, 0));

  Holder holder;
  holder.Start("locked");
  SayResult("locks: taken", Lock(fd, F_SETLK, F_WRLCK, 99, 1));
  SayResult("locks: beside it", Lock(fd, F_SETLK, F_WRLCK, 100, 10));
  struct flock lock{};
  lock.l_type = F_RDLCK;
  lock.l_len = 1000;
  SayResult("locks: who", fcntl(fd, F_GETLK, &lock));
  Say("locks: the holder", lock.l_pid == holder.pid);
  Say("locks: its type and range", lock.l_type * 1000 + lock.l_len);
  SayResult("locks: flock taken", flock(fd, LOCK_EX | LOCK_NB));
  AlarmIn50ms(true);
  SayResult("locks: interrupted", Lock(fd, F_SETLKW, F_WRLCK, 0, 10));
  SayResult("locks: flock interrupted", flock(fd, LOCK_EX));
  AlarmIn50ms(false);
  holder.LetGo();
  SayResult("locks: waited for", Lock(fd, F_SETLKW, F_WRLCK, 0, 10));
  SayResult("locks: flock waited for", flock(fd, LOCK_EX));
  holder.End();
  close(fd);
  SayResult("locks: unlink", unlink("locked"));
}

}  // namespace fuse_rig
