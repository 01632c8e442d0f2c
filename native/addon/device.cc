#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "fd.h"

namespace fuse_rig {
namespace {

Napi::Number Num(const Napi::CallbackInfo& info, double v) { return Napi::Number::New(info.Env(), v); }
int Int(const Napi::CallbackInfo& info, size_t i) { return info[i].ToNumber().Int32Value(); }

// openFile(path, flags): descriptor or -errno. Always close-on-exec.
Napi::Value OpenFile(const Napi::CallbackInfo& info) {
  std::string path = info[0].ToString().Utf8Value();
  int fd = open(path.c_str(), Int(info, 1) | O_CLOEXEC);
  return Num(info, fd < 0 ? -errno : fd);
}

// memoryFile(bytes): a memfd that holds them, or -errno.
Napi::Value MemoryFile(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  Fd fd(memfd_create("fuse-rig", MFD_CLOEXEC));
  if (!fd.ok()) return Num(info, -errno);
  const ssize_t n = pwrite(fd.get(), bytes.Data(), bytes.ByteLength(), 0);
  if (n != static_cast<ssize_t>(bytes.ByteLength())) return Num(info, n < 0 ? -errno : -EIO);
  return Num(info, fd.Release());
}

// closeFd(fd)
Napi::Value CloseFd(const Napi::CallbackInfo& info) {
  return Num(info, close(Int(info, 0)) == 0 ? 0 : -errno);
}

// Room behind a buffer: a reader must offer 80 bytes more than max_write (fuse_dev_do_read), however
// small its messages are. Never touched, and so never there.
void* Beyond() {
  static void* const at = mmap(nullptr, size_t{1} << 32, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : at;
}

// readFd(fd, into, size): one read(2) of at most `size` bytes; bytes or -errno. What lies past the
// buffer's end is lost: a message there is -EIO.
Napi::Value ReadFd(const Napi::CallbackInfo& info) {
  Napi::Uint8Array into = info[1].As<Napi::Uint8Array>();
  const size_t size = info[2].ToNumber().Uint32Value(), room = into.ByteLength();
  const int fd = Int(info, 0);
  ssize_t n;
  if (size <= room) {
    n = read(fd, into.Data(), size);
  } else {
    void* beyond = Beyond();
    const iovec iov[] = {{into.Data(), room}, {beyond, size - room}};
    n = readv(fd, iov, beyond ? 2 : 1);
    if (n > static_cast<ssize_t>(room)) return Num(info, -EIO);
  }
  return Num(info, n < 0 ? -errno : static_cast<double>(n));
}

// writeFd(fd, bytes, length): one write(2) of `length` bytes of which `bytes` are readable; what is
// missing faults in the kernel as it would have faulted in the server. Bytes or -errno.
Napi::Value WriteFd(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  size_t length = info[2].ToNumber().Uint32Value();
  iovec iov[2] = {{bytes.Data(), bytes.ByteLength()}, {nullptr, 0}};
  int count = 1;
  if (length > bytes.ByteLength()) {
    iov[1] = {reinterpret_cast<void*>(8), length - bytes.ByteLength()};
    count = 2;
  } else {
    iov[0].iov_len = length;
  }
  ssize_t n = writev(Int(info, 0), iov, count);
  return Num(info, n < 0 ? -errno : static_cast<double>(n));
}

// writeInThread(fd, bytes, length): writeFd in a thread of its own; a descriptor to read the result
// from (finish), or -errno. For writes that may wait for what only this process's thread can bring.
Napi::Value WriteInThread(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  std::string copy(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength());
  size_t length = info[2].ToNumber().Uint32Value();
  int fd = Int(info, 0);
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return Num(info, -errno);
  int out = pipe_fds[1];
  std::thread([fd, copy, length, out] {
    iovec iov[2] = {{const_cast<char*>(copy.data()), copy.size() < length ? copy.size() : length},
                    {reinterpret_cast<void*>(8), length > copy.size() ? length - copy.size() : 0}};
    ssize_t n = writev(fd, iov, iov[1].iov_len > 0 ? 2 : 1);
    int result = n < 0 ? -errno : static_cast<int>(n);
    (void)!write(out, &result, sizeof result);
    close(out);
  }).detach();
  return Num(info, pipe_fds[0]);
}

// pollFd(fd): the poll(2) mask right now.
Napi::Value PollFd(const Napi::CallbackInfo& info) {
  pollfd p = {Int(info, 0), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, 0};
  poll(&p, 1, 0);
  return Num(info, p.revents);
}

// ioctlFd(fd, cmd, argument): argument is a Uint8Array the ioctl reads or writes, or absent.
Napi::Value IoctlFd(const Napi::CallbackInfo& info) {
  void* arg = nullptr;
  if (info.Length() > 2 && info[2].IsTypedArray()) arg = info[2].As<Napi::Uint8Array>().Data();
  int r = ioctl(Int(info, 0), info[1].ToNumber().Uint32Value(), arg);
  return Num(info, r < 0 ? -errno : r);
}

// fsconfigString(ctx, key, value): FSCONFIG_SET_STRING on a file system context of ours.
Napi::Value FsconfigString(const Napi::CallbackInfo& info) {
  std::string key = info[1].ToString().Utf8Value(), value = info[2].ToString().Utf8Value();
  long r = syscall(431 /* fsconfig */, Int(info, 0), 1 /* FSCONFIG_SET_STRING */, key.c_str(),
                   value.c_str(), 0);
  return Num(info, r < 0 ? -errno : static_cast<double>(r));
}

// sendSignal(pid, signal): 0 or -errno.
Napi::Value SendSignal(const Napi::CallbackInfo& info) {
  return Num(info, kill(Int(info, 0), Int(info, 1)) == 0 ? 0 : -errno);
}

// softLimit(pid, resource, soft): sets a soft limit of a process (prlimit(2)); what it was, or -errno.
Napi::Value SoftLimit(const Napi::CallbackInfo& info) {
  pid_t pid = Int(info, 0);
  auto resource = static_cast<__rlimit_resource>(Int(info, 1));
  double soft = info[2].ToNumber().DoubleValue();
  rlimit limit{};
  if (prlimit(pid, resource, nullptr, &limit) != 0) return Num(info, -errno);
  double was = limit.rlim_cur == RLIM_INFINITY ? HUGE_VAL : static_cast<double>(limit.rlim_cur);
  double most = limit.rlim_max == RLIM_INFINITY ? HUGE_VAL : static_cast<double>(limit.rlim_max);
  limit.rlim_cur = soft >= most ? limit.rlim_max : static_cast<rlim_t>(soft);
  return Num(info, prlimit(pid, resource, &limit, nullptr) == 0 ? was : -errno);
}

}  // namespace

void DeviceInit(Napi::Env env, Napi::Object exports) {
  auto set = [&](const char* name, Napi::Value (*f)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, f, name));
  };
  set("openFile", OpenFile);
  set("memoryFile", MemoryFile);
  set("closeFd", CloseFd);
  set("readFd", ReadFd);
  set("writeFd", WriteFd);
  set("writeInThread", WriteInThread);
  set("pollFd", PollFd);
  set("ioctlFd", IoctlFd);
  set("fsconfigString", FsconfigString);
  set("sendSignal", SendSignal);
  set("softLimit", SoftLimit);
}

}  // namespace fuse_rig
