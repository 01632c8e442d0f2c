// Holds nothing but the socket to the rig: whoever else held the device would keep a dead
// connection alive. When the socket closes (the rig ended or was killed) whatever is still there of
// the server goes: processes first, then mounts.
#include "keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "crash_watch.h"
#include "keeper_protocol.h"

namespace fuse_rig {
namespace {

// Mount ids are given again as soon as they are free: only with its target does one name a mount.
struct Mount {
  int id;
  std::string target;
  bool fuse;
  bool operator<(const Mount& o) const { return id != o.id ? id < o.id : target < o.target; }
};

// A field of mountinfo writes space, tab, newline and backslash as \ooo.
std::string Unescape(const std::string& s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\' && i + 3 < s.size()) {
      out += static_cast<char>(strtol(s.substr(i + 1, 3).c_str(), nullptr, 8));
      i += 3;
    } else {
      out += s[i];
    }
  }
  return out;
}

// Mounts of this mount namespace (proc_pid_mountinfo), what was mounted later behind what it may stand on.
std::vector<Mount> Mounts() {
  std::vector<Mount> mounts;
  FILE* f = fopen("/proc/self/mountinfo", "re");
  if (!f) return mounts;
  char* line = nullptr;
  size_t cap = 0;
  while (getline(&line, &cap, f) > 0) {
    std::string text(line);
    size_t dash = text.find(" - ");
    if (dash == std::string::npos) continue;
    const bool fuse = text.compare(dash + 3, 4, "fuse") == 0 && text.compare(dash + 3, 7, "fusectl") != 0;
    int id = 0, n = 0;
    char root[4096], target[4096];
    if (sscanf(text.c_str(), "%d %*d %*s %4095s %4095s%n", &id, root, target, &n) < 3) continue;
    mounts.push_back({id, Unescape(target), fuse});
  }
  free(line);
  fclose(f);
  return mounts;
}

class Keeper {
 public:
  Keeper(int sock, int go) : sock_(sock), go_(go) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    chld_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    for (const Mount& m : Mounts()) before_.insert(m);
  }

  [[noreturn]] void Run() {
    for (;;) {
      pollfd fds[2] = {{sock_, POLLIN, 0}, {chld_, POLLIN, 0}};
      if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
      if (fds[1].revents & POLLIN) {
        signalfd_siginfo si;
        while (read(chld_, &si, sizeof si) > 0) {
        }
        Reap();
      }
      if (fds[0].revents && !Serve()) break;
    }
    CleanUp();
    _exit(0);
  }

 private:
  void Send(uint32_t type, int pid, int status) {
    KeeperMessage m{};
    m.type = type;
    m.pid = pid;
    m.status = status;
    while (send(sock_, &m, kKeeperHead, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
  }

  void Reap() {
    for (;;) {
      int status = 0;
      pid_t pid = waitpid(-1, &status, WNOHANG);
      if (pid > 0) {
        if (WIFSTOPPED(status)) Stopped(pid, status);
        else if (!watch_.WasThread(pid)) Send(kExit, pid, status);
        continue;
      }
      if (pid < 0 && errno == ECHILD && !empty_) {
        empty_ = true;
        Send(kEmpty, 0, 0);
      }
      return;
    }
  }

  // Only threads that are watched are told of here.
  void Stopped(pid_t tid, int status) {
    KeeperMessage crash{};
    size_t size = 0;
    if (!watch_.Stopped(tid, status, &crash, &size)) return;
    while (send(sock_, &crash, size, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
  }

  // False when the rig is gone.
  bool Serve() {
    KeeperMessage m{};
    ssize_t n = recv(sock_, &m, sizeof m - 1, 0);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    if (n < static_cast<ssize_t>(kKeeperHead)) return false;
    if (m.type == kNoteMount) {
      targets_.insert(m.text);
      Forget();
      Send(kNoted, 0, 0);
    } else if (m.type == kNoteShared) {
      shared_.insert(m.text);
      Forget();
    } else if (m.type == kGo) {
      (void)!write(go_, "g", 1);
      close(go_);
    } else if (m.type == kWatch) {
      Send(kWatchBegun, 0, watch_.Begin(m.text));
    } else if (m.type == kKill) {
      KillAll();
      Reap();
    }
    return true;
  }

  // Mounts that have gone since we started: what gets their names now is ours. Nobody waits for this.
  void Forget() {
    noted_ = true;
    std::set<Mount> still;
    for (const Mount& m : Mounts()) {
      if (before_.count(m)) still.insert(m);
    }
    before_.swap(still);
  }

  // Every process of the server descends from us (we are the subreaper). New ones may be forked
  // while we look, so: stop what we see, look again, kill when a look finds nothing new.
  void KillAll() {
    if (empty_) return;
    std::set<pid_t> seen;
    for (int round = 0; round < 64; ++round) {
      size_t before = seen.size();
      Collect(getpid(), &seen, SIGSTOP);
      if (seen.size() == before) break;
    }
    for (pid_t pid : seen) kill(pid, SIGKILL);
  }

  void Collect(pid_t parent, std::set<pid_t>* seen, int sig) {
    std::string dir = "/proc/" + std::to_string(parent) + "/task";
    DIR* d = opendir(dir.c_str());
    if (!d) return;
    while (dirent* e = readdir(d)) {
      if (e->d_name[0] == '.') continue;
      FILE* f = fopen((dir + "/" + e->d_name + "/children").c_str(), "re");
      if (!f) continue;
      int pid;
      while (fscanf(f, "%d", &pid) == 1) {
        if (!seen->insert(pid).second) continue;
        kill(pid, sig);
        Collect(pid, seen, sig);
      }
      fclose(f);
    }
    closedir(d);
  }

  void CleanUp() {
    // A server killed here may leave children to us; a second look gets them.
    for (int round = 0; round < 8; ++round) {
      KillAll();
      bool any = false;
      for (;;) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, 0);
        if (pid > 0) {
          if (WIFSTOPPED(status)) syscall(SYS_tkill, pid, SIGKILL);
          any = true;
          continue;
        }
        if (pid < 0 && errno == EINTR) continue;
        break;
      }
      if (!any) break;
    }
    const std::vector<Mount> mounts = noted_ ? Mounts() : std::vector<Mount>();
    for (auto at = mounts.rbegin(); at != mounts.rend(); ++at) {
      const Mount& m = *at;
      if (before_.count(m) || !(m.fuse ? targets_ : shared_).count(m.target)) continue;
      if (umount2(m.target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || geteuid() == 0) continue;
      pid_t pid = fork();
      if (pid == 0) {
        execlp("fusermount3", "fusermount3", "-u", "-z", "-q", "--", m.target.c_str(), nullptr);
        execlp("fusermount", "fusermount", "-u", "-z", "-q", "--", m.target.c_str(), nullptr);
        _exit(127);
      }
      if (pid > 0) waitpid(pid, nullptr, 0);
    }
  }

  int sock_, go_, chld_;
  bool empty_ = false, noted_ = false;  // of processes; a mount was announced
  CrashWatch watch_;
  std::set<Mount> before_;
  std::set<std::string> targets_;
  std::set<std::string> shared_;
};

}  // namespace

void Keep(int sock, int go) { Keeper(sock, go).Run(); }

}  // namespace fuse_rig
