// What this machine can do with rings and mounts, found out by doing it, on a child where it would
// leave something behind. Results are 0 or -errno.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "fd.h"
#include "probe_child.h"

namespace fuse_rig {
namespace {

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
