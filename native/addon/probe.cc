// Each probe does the calls a session will do, on a child that is gone when the probe returns.
// Results are 0 (or another number >= 0 where said) or -errno, one field a call.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "fd.h"
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

constexpr int kNotRun = 1;  // an earlier call failed: this one was not tried
constexpr int kPatienceMs = 5000;
constexpr int kLooks = 500;  // a millisecond apart
// A call the child makes for nothing else; its arguments are ours.
constexpr int kTrapped = SYS_sched_get_priority_max;

pid_t RawFork() { return static_cast<pid_t>(syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr)); }

// Kills and reaps, whatever happened.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, __WALL) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

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
  int no_new_privs = kNotRun;
  int killable = kNotRun;  // the listener with WAIT_KILLABLE_RECV
  int plain = kNotRun;     // without, tried only when killable failed
  int listener = -1;       // descriptor number in the child
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
  char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  if (fd >= 0) {
    msg.msg_control = control;
    msg.msg_controllen = sizeof control;
    cmsghdr* c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 || fd < 0) _exit(0);
  uint64_t word = 0x66757365;  // read by the parent, and changed by it
  long got = syscall(kTrapped, &word);
  // ADDFD_SEND made the call return a descriptor that is open here.
  int result[2] = {static_cast<int>(got < 0 ? -errno : got), word == 0x52494721};
  if (got >= 0 && fcntl(static_cast<int>(got), F_GETFD) < 0) result[0] = -errno;
  (void)!write(sock, result, sizeof result);
  _exit(0);
}

bool Readable(int fd) {
  pollfd p = {fd, POLLIN, 0};
  int r;
  do {
    r = poll(&p, 1, kPatienceMs);
  } while (r < 0 && errno == EINTR);
  return r == 1 && (p.revents & POLLIN);
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
  int fork = 0, receive = kNotRun, sync_wake = kNotRun, read_memory = kNotRun, write_memory = kNotRun;
  int pidfd_open = kNotRun, pidfd_getfd = kNotRun, addfd_send = kNotRun;
  std::string children, wchan, schedstat, call;
};

// The child sleeps in its trapped call: everything a session does to a held server, once.
void LookAtHeld(pid_t pid, int listener, int sock, const seccomp_notif& held, SeamResult* out) {
  uint64_t word = 0;
  ssize_t n = ReadTarget(pid, held.data.args[0], &word, sizeof word);
  out->read_memory = n < 0 ? static_cast<int>(n) : word == 0x66757365 ? 0 : -EIO;
  word = 0x52494721;
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
  if (!Readable(sock) || read(sock, result, sizeof result) != sizeof result) out->addfd_send = -EIO;
  else out->addfd_send = result[0] < 0 ? result[0] : 0;
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

// probeRing(): {setup, features, ops}: io_uring_setup's result, its IORING_FEAT_* bits, and by
// opcode whether IORING_REGISTER_PROBE says it is supported.
Napi::Value ProbeRing(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object o = Napi::Object::New(env);
  io_uring_params params{};
  Fd ring(static_cast<int>(syscall(SYS_io_uring_setup, 2, &params)));
  o.Set("setup", Napi::Number::New(env, ring.ok() ? 0 : -errno));
  o.Set("features", Napi::Number::New(env, params.features));
  Napi::Array ops = Napi::Array::New(env);
  constexpr unsigned kOps = 256;
  alignas(io_uring_probe) char space[sizeof(io_uring_probe) + kOps * sizeof(io_uring_probe_op)] = {};
  auto* probe = reinterpret_cast<io_uring_probe*>(space);
  if (ring.ok() && syscall(SYS_io_uring_register, ring.get(), IORING_REGISTER_PROBE, probe, kOps) == 0) {
    for (uint32_t i = 0; i < probe->ops_len; ++i) {
      ops.Set(i, Napi::Boolean::New(env, (probe->ops[i].flags & IO_URING_OP_SUPPORTED) != 0));
    }
  }
  o.Set("ops", ops);
  return o;
}

int WriteFile(const char* path, const char* text) {
  Fd fd(open(path, O_WRONLY | O_CLOEXEC));
  return fd.ok() && write(fd.get(), text, strlen(text)) > 0 ? 0 : -errno;
}

// mount(2) of a FUSE file system on `target`, in a mount namespace of its own that ends with us.
int MountOnce(const char* target, bool user_namespace, const char* uid_map, const char* gid_map) {
  if (unshare(CLONE_NEWNS | (user_namespace ? CLONE_NEWUSER : 0)) != 0) return -errno;
  if (user_namespace) {
    WriteFile("/proc/self/setgroups", "deny");
    if (int err = WriteFile("/proc/self/uid_map", uid_map)) return err;
    if (int err = WriteFile("/proc/self/gid_map", gid_map)) return err;
  }
  // Nothing we do here may reach the mount namespace we came from.
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return -errno;
  int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fd < 0) return -errno;
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
  if (mount("fuse-rig-doctor", target, "fuse", MS_NOSUID | MS_NODEV, options) != 0) return -errno;
  return umount2(target, MNT_DETACH) == 0 ? 0 : -errno;
}

// probeMount(target, userNamespace): 0 or -errno of a FUSE mount, which is gone when this returns.
Napi::Value ProbeMount(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string target = info[0].ToString().Utf8Value();
  bool user_namespace = info[1].ToBoolean().Value();
  std::string uid_map = "0 " + std::to_string(geteuid()) + " 1";
  std::string gid_map = "0 " + std::to_string(getegid()) + " 1";
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return Napi::Number::New(env, -errno);
  Fd from(pipe_fds[0]), to(pipe_fds[1]);
  Child child(RawFork());
  if (child.pid() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int result = MountOnce(target.c_str(), user_namespace, uid_map.c_str(), gid_map.c_str());
    (void)!write(to.get(), &result, sizeof result);
    _exit(0);
  }
  if (child.pid() < 0) return Napi::Number::New(env, -errno);
  to.Reset();
  int result = -EIO;
  if (!Readable(from.get()) || read(from.get(), &result, sizeof result) != sizeof result) result = -EIO;
  return Napi::Number::New(env, result);
}

}  // namespace

void ProbeInit(Napi::Env env, Napi::Object exports) {
  exports.Set("probeSeam", Napi::Function::New(env, ProbeSeam, "probeSeam"));
  exports.Set("probeRing", Napi::Function::New(env, ProbeRing, "probeRing"));
  exports.Set("probeMount", Napi::Function::New(env, ProbeMount, "probeMount"));
}

}  // namespace fuse_rig
