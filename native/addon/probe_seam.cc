// The seam's calls, once each, on a child held in a call. Results are 0 or -errno, one field a call.
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "fd.h"
#include "probe.h"
#include "probe_child.h"
#include "rights.h"
#include "seccomp_abi.h"
#include "target.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

namespace fuse_rig {
namespace {

constexpr int kNotTried = 1;  // an earlier call failed
constexpr int kLooks = 500;   // a millisecond apart
// A call the child makes for nothing else; its argument is a word of the child's, which the parent
// reads as kAsked and changes to kAnswered.
constexpr int kTrapped = SYS_sched_get_priority_max;
constexpr uint64_t kAsked = 0x66757365, kAnswered = 0x52494721;

std::string Slurp(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[4096];
  ssize_t n = fd.ok() ? read(fd.get(), text, sizeof text) : 0;
  return n > 0 ? std::string(text, static_cast<size_t>(n)) : std::string();
}

int InstallFilter(unsigned flags) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kTrapped, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog prog = {sizeof code / sizeof code[0], code};
  long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &prog);
  return r < 0 ? -errno : static_cast<int>(r);
}

// What the child says before its trapped call.
struct ChildReport {
  int no_new_privs = kNotTried;
  int killable = kNotTried;  // the listener with WAIT_KILLABLE_RECV
  int plain = kNotTried;     // without, tried only when killable failed
  int listener = -1;         // descriptor number in the child
};

// Only system calls from here: the child is a fork of a program with many threads.
[[noreturn]] void ChildMain(int sock) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ChildReport report;
  report.no_new_privs =
      geteuid() == 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
  int fd = InstallFilter(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  report.killable = fd < 0 ? fd : 0;
  if (fd < 0) {
    fd = InstallFilter(0);
    report.plain = fd < 0 ? fd : 0;
  }
  report.listener = fd;
  // The listener goes to the parent as the launcher sends it.
  iovec iov = {&report, sizeof report};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  if (fd >= 0) PutDescriptors(&msg, control, &fd, 1);
  if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 || fd < 0) _exit(0);
  uint64_t word = kAsked;
  long got = syscall(kTrapped, &word);
  // ADDFD_SEND made the call return a descriptor that is open here.
  int result[2] = {static_cast<int>(got < 0 ? -errno : got), word == kAnswered};
  if (got >= 0 && fcntl(static_cast<int>(got), F_GETFD) < 0) result[0] = -errno;
  (void)!write(sock, result, sizeof result);
  _exit(0);
}

int ReceiveReport(int sock, ChildReport* report) {
  iovec iov = {report, sizeof *report};
  char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = control;
  msg.msg_controllen = sizeof control;
  if (!Readable(sock) || recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) < static_cast<ssize_t>(sizeof *report)) return -1;
  int fd = -1;
  cmsghdr* c = CMSG_FIRSTHDR(&msg);
  if (c && c->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(c), sizeof fd);
  return fd;
}

struct SeamResult {
  ChildReport child;
  int fork = 0, receive = kNotTried, sync_wake = kNotTried, read_memory = kNotTried, write_memory = kNotTried;
  int pidfd_open = kNotTried, pidfd_getfd = kNotTried, addfd_send = kNotTried;
  std::string children, wchan, schedstat, call;
};

// The child sleeps in its trapped call: everything a session does to a held server, once.
void LookAtHeld(pid_t pid, int listener, int sock, const seccomp_notif& held, SeamResult* out) {
  uint64_t word = 0;
  ssize_t n = ReadTarget(pid, held.data.args[0], &word, sizeof word);
  out->read_memory = n < 0 ? static_cast<int>(n) : word == kAsked ? 0 : -EIO;
  word = kAnswered;
  n = WriteTarget(pid, held.data.args[0], &word, sizeof word);
  out->write_memory = n < 0 ? static_cast<int>(n) : 0;
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  out->pidfd_open = pidfd.ok() ? 0 : -errno;
  if (pidfd.ok()) {
    Fd copy(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd.get(), out->child.listener, 0)));
    out->pidfd_getfd = copy.ok() ? 0 : -errno;
  }
  std::string task = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/";
  // It told us before it slept: give it the moment it needs.
  for (int i = 0; i < kLooks; ++i) {
    out->wchan = Slurp(task + "wchan");
    if (out->wchan != "0") break;
    usleep(1000);
  }
  out->schedstat = Slurp(task + "schedstat");
  out->call = Slurp(task + "syscall");
  out->children =
      Slurp("/proc/self/task/" + std::to_string(static_cast<pid_t>(syscall(SYS_gettid))) + "/children");
  Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  seccomp_notif_addfd add{};
  add.id = held.id;
  add.flags = SECCOMP_ADDFD_FLAG_SEND;
  add.srcfd = static_cast<unsigned>(null.get());
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0) {
    out->addfd_send = -errno;
    return;
  }
  int result[2];
  if (!Readable(sock) || read(sock, result, sizeof result) != sizeof result) {
    out->addfd_send = -EIO;
    return;
  }
  out->addfd_send = result[0] < 0 ? result[0] : 0;
  if (!result[1] && out->write_memory == 0) out->write_memory = -EIO;
}

SeamResult TrySeam() {
  SeamResult out;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    out.fork = -errno;
    return out;
  }
  Fd ours(pair[0]), theirs(pair[1]);
  Child child(RawFork());
  if (child.pid() == 0) ChildMain(theirs.get());
  if (child.pid() < 0) {
    out.fork = -errno;
    return out;
  }
  theirs.Reset();
  Fd listener(ReceiveReport(ours.get(), &out.child));
  if (!listener.ok()) return out;
  out.sync_wake =
      ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0 ? 0 : -errno;
  seccomp_notif held{};
  if (!Readable(listener.get())) out.receive = -ETIMEDOUT;
  else out.receive = ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &held) == 0 ? 0 : -errno;
  if (out.receive == 0) LookAtHeld(child.pid(), listener.get(), ours.get(), held, &out);
  return out;
}

}  // namespace

// probeSeam(): a child goes under a filter and is served once, as a server would be. Numbers are 0
// or -errno, 1 for what was not tried; the texts are the child's /proc files while it was held.
Napi::Value ProbeSeam(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  SeamResult r = TrySeam();
  Napi::Object o = Napi::Object::New(env);
  auto num = [&](const char* name, int v) { o.Set(name, Napi::Number::New(env, v)); };
  num("fork", r.fork);
  num("noNewPrivs", r.child.no_new_privs);
  num("killable", r.child.killable);
  num("plain", r.child.plain);
  num("syncWake", r.sync_wake);
  num("receive", r.receive);
  num("readMemory", r.read_memory);
  num("writeMemory", r.write_memory);
  num("pidfdOpen", r.pidfd_open);
  num("pidfdGetfd", r.pidfd_getfd);
  num("addfdSend", r.addfd_send);
  o.Set("children", r.children);
  o.Set("wchan", r.wchan);
  o.Set("schedstat", r.schedstat);
  o.Set("call", r.call);
  return o;
}

}  // namespace fuse_rig
