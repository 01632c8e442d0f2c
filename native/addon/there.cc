// Calls made where a thread of the server stands: in its mount namespace, root and working directory,
// by a child of the rig, whose result comes through a descriptor. Some of them wait for the server.
#include "there.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "fd.h"

namespace fuse_rig {
namespace {

Napi::Number Num(const Napi::CallbackInfo& info, double v) { return Napi::Number::New(info.Env(), v); }
int Int(const Napi::CallbackInfo& info, size_t i) { return info[i].ToNumber().Int32Value(); }

// Where a thread's paths mean what it means: its mount namespace, root and working directory.
struct Place {
  Fd user, ns, root, cwd;
  bool same_user = true, same_ns = true;
};

bool SameFile(int a, const char* path) {
  struct stat x, y;
  return fstat(a, &x) == 0 && stat(path, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

bool Enter(pid_t tid, Place* p) {
  std::string proc = "/proc/" + std::to_string(tid);
  p->user.Reset(open((proc + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  p->ns.Reset(open((proc + "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
  p->root.Reset(open((proc + "/root").c_str(), O_PATH | O_CLOEXEC));
  p->cwd.Reset(open((proc + "/cwd").c_str(), O_PATH | O_CLOEXEC));
  p->same_user = SameFile(p->user.get(), "/proc/self/ns/user");
  p->same_ns = SameFile(p->ns.get(), "/proc/self/ns/mnt");
  return p->ns.ok() && p->root.ok() && p->cwd.ok();
}

// fork(2) without libuv's atfork handlers and without SIGCHLD, which is Node's. The child may only
// make system calls.
pid_t RawFork() { return static_cast<pid_t>(syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr)); }

// Runs `call` in a child that stands where the thread stands, and before that `here` where the rig stands.
// The child's result (0 or -errno) comes through a pipe, whose read end is returned: mount(2) with SYNC_INIT
// waits for the server.
template <typename Call, typename Here>
int RunThere(pid_t tid, Call call, Here here) {
  Place place;
  if (!Enter(tid, &place)) return -ESRCH;
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return -errno;
  pid_t pid = RawFork();
  if (pid < 0) {
    int err = errno;
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return -err;
  }
  if (pid == 0) {
    int result = 0;
    // A second fork makes init the parent: the rig has no child to reap.
    if (RawFork() != 0) _exit(0);
    close(pipe_fds[0]);
    bool moved = here() && (place.same_user || setns(place.user.get(), CLONE_NEWUSER) == 0) &&
                 (place.same_ns || setns(place.ns.get(), CLONE_NEWNS) == 0) &&
                 fchdir(place.root.get()) == 0 && (geteuid() != 0 || chroot(".") == 0) &&
                 fchdir(place.cwd.get()) == 0;
    result = moved ? call() : -errno;
    (void)!write(pipe_fds[1], &result, sizeof result);
    _exit(0);
  }
  close(pipe_fds[1]);
  waitpid(pid, nullptr, __WALL);
  return pipe_fds[0];
}

template <typename Call>
int RunThere(pid_t tid, Call call) {
  return RunThere(tid, call, [] { return true; });
}

// mountThere(tid, source, target, type, flags, data): starts mount(2) as thread tid would do it;
// returns a descriptor to read the result from (finish), or -errno.
Napi::Value MountThere(const Napi::CallbackInfo& info) {
  std::string source = info[1].ToString().Utf8Value(), target = info[2].ToString().Utf8Value(),
              type = info[3].ToString().Utf8Value(), data = info[5].ToString().Utf8Value();
  unsigned long flags = static_cast<unsigned long>(info[4].ToNumber().Int64Value());
  return Num(info, RunThere(Int(info, 0), [&] {
    return mount(source.c_str(), target.c_str(), type.c_str(), flags, data.c_str()) == 0 ? 0 : -errno;
  }));
}

// shareThere(tid, target): what is mounted on `target` from now on, or unmounted, by thread tid in its
// mount namespace or by anybody in ours, is so in both: a mount of the target on itself is here and, as its
// peer, there. Whoever asks for it unmounts it here. A descriptor to read the result from, or -errno.
Napi::Value ShareThere(const Napi::CallbackInfo& info) {
  std::string target = info[1].ToString().Utf8Value();
  const char* path = target.c_str();
  int tree = -1;
  return Num(info, RunThere(Int(info, 0), [&] {
    // move_mount(..., MOVE_MOUNT_F_EMPTY_PATH)
    return syscall(429, tree, "", AT_FDCWD, path, 4) == 0 ? 0 : -errno;
  }, [&] {
    // Private first: where the mount below is shared, it would be a peer of that one.
    if (mount(path, path, nullptr, MS_BIND, nullptr) != 0) return false;
    if (mount(nullptr, path, nullptr, MS_PRIVATE, nullptr) != 0) return false;
    if (mount(nullptr, path, nullptr, MS_SHARED, nullptr) != 0) return false;
    // open_tree(..., OPEN_TREE_CLONE)
    tree = static_cast<int>(syscall(428, AT_FDCWD, path, 1 | O_CLOEXEC));
    return tree >= 0;
  }));
}

// unmountThere(tid, target, flags): likewise umount2(2).
Napi::Value UnmountThere(const Napi::CallbackInfo& info) {
  std::string target = info[1].ToString().Utf8Value();
  int flags = Int(info, 2);
  return Num(info, RunThere(Int(info, 0), [&] {
    return umount2(target.c_str(), flags) == 0 ? 0 : -errno;
  }));
}

// runThere(tid, argv): starts a program where the thread stands; its exit status, 0 or -EPERM, comes
// through the returned descriptor (finish).
Napi::Value RunProgramThere(const Napi::CallbackInfo& info) {
  Napi::Array argv = info[1].As<Napi::Array>();
  std::vector<std::string> words;
  for (uint32_t i = 0; i < argv.Length(); ++i) words.push_back(argv.Get(i).ToString().Utf8Value());
  std::vector<char*> pointers;
  for (std::string& w : words) pointers.push_back(w.data());
  pointers.push_back(nullptr);
  return Num(info, RunThere(Int(info, 0), [&] {
    pid_t pid = RawFork();
    if (pid == 0) {
      execvp(pointers[0], pointers.data());
      _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, __WALL) < 0) return -errno;
    return status == 0 ? 0 : -EPERM;
  }));
}

// setNonblock(fd)
Napi::Value SetNonblock(const Napi::CallbackInfo& info) {
  int fd = Int(info, 0);
  return Num(info, fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0 ? 0 : -errno);
}

// finish(fd): the result a *There call wrote, and closes fd. Waits for it.
Napi::Value Finish(const Napi::CallbackInfo& info) {
  Fd fd(Int(info, 0));
  int result = -EIO;
  ssize_t n;
  do {
    n = read(fd.get(), &result, sizeof result);
  } while (n < 0 && errno == EINTR);
  return Num(info, n == sizeof result ? result : -EIO);
}

// fsconfigCommand(ctx, command): CMD_CREATE in a child (with SYNC_INIT it waits for the server);
// a descriptor to read the result from (finish), or -errno.
Napi::Value FsconfigCommand(const Napi::CallbackInfo& info) {
  int context = Int(info, 0), command = Int(info, 1);
  return Num(info, RunThere(getpid(), [&] {
    return syscall(431 /* fsconfig */, context, command, nullptr, nullptr, 0) == 0 ? 0 : -errno;
  }));
}

}  // namespace

void ThereInit(Napi::Env env, Napi::Object exports) {
  auto set = [&](const char* name, Napi::Value (*f)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, f, name));
  };
  set("mountThere", MountThere);
  set("shareThere", ShareThere);
  set("unmountThere", UnmountThere);
  set("runThere", RunProgramThere);
  set("finish", Finish);
  set("fsconfigCommand", FsconfigCommand);
  set("setNonblock", SetNonblock);
}

}  // namespace fuse_rig
