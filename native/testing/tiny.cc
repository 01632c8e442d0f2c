#include "tiny.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace fuse_rig {
namespace {

constexpr char kText[] = "hello\n";
constexpr uint64_t kFileId = 2;

// As in libfuse, the root is what the mountpoint is: where that is a file, it is the only one.
mode_t root_type = S_IFDIR;

[[noreturn]] void Die(const char* what) {
  fprintf(stderr, "fuse-rig-odd-server: %s: %s\n", what, strerror(errno));
  _exit(1);
}

fuse_attr Attributes(uint64_t id) {
  fuse_attr attr{};
  attr.ino = id;
  const bool directory = id == kRootId && root_type == S_IFDIR;
  attr.mode = directory ? S_IFDIR | 0755 : S_IFREG | 0644;
  attr.nlink = directory ? 2 : 1;
  attr.size = directory ? 0 : sizeof kText - 1;
  return attr;
}

fuse_init_out Negotiate(const char* body, bool over_ring) {
  fuse_init_in in{};
  memcpy(&in, body, sizeof in);
  fuse_init_out out{};
  out.major = kKernelVersion;
  out.minor = std::min(in.minor, kKernelMinor);
  out.max_readahead = in.max_readahead;
  out.max_write = 1 << 16;
  out.max_background = 12;
  out.congestion_threshold = 9;
  out.time_gran = 1;
  if (!over_ring) return out;
  out.max_write = kPage;
  out.max_pages = 1;
  out.flags = in.flags & (init::kInitExt | init::kMaxPages);
  out.flags2 = in.flags2 & (init::kOverIoUring >> 32);
  return out;
}

template <typename Out>
Answered Given(const Out& out) {
  return {false, 0, std::string(reinterpret_cast<const char*>(&out), sizeof out)};
}

}  // namespace

void Say(const char* format, ...) {
  char line[512];
  va_list list;
  va_start(list, format);
  int n = vsnprintf(line, sizeof line - 1, format, list);
  va_end(list);
  line[n++] = '\n';
  (void)!write(1, line, static_cast<size_t>(n));
}

int OpenDevice(int flags) {
  const int fd = open("/dev/fuse", flags);
  if (fd < 0) Die("/dev/fuse");
  return fd;
}

void MountDevice(int fd, const std::string& target) {
  struct stat on {};
  if (stat(target.c_str(), &on) == 0) root_type = on.st_mode & S_IFMT;
  char data[128];
  snprintf(data, sizeof data, "fd=%d,rootmode=%o,user_id=%u,group_id=%u", fd, root_type, getuid(), getgid());
  if (mount("odd", target.c_str(), "fuse.odd", MS_NOSUID | MS_NODEV, data) != 0) Die("mount");
}

long Reply(int fd, uint64_t unique, int error, const void* body, size_t size) {
  fuse_out_header head{static_cast<uint32_t>(sizeof head + size), error, unique};
  const iovec parts[2] = {{&head, sizeof head}, {const_cast<void*>(body), size}};
  const ssize_t n = writev(fd, parts, size > 0 ? 2 : 1);
  return n < 0 ? -errno : n;
}

Answered AnswerTo(const fuse_in_header& in, const char* body, bool over_ring) {
  switch (in.opcode) {
    case op::kForget:
    case op::kBatchForget:
    case op::kInterrupt:
      return {true, 0, {}};
    case op::kInit:
      return Given(Negotiate(body, over_ring));
    case op::kGetattr: {
      fuse_attr_out out{};
      out.attr = Attributes(in.nodeid);
      return Given(out);
    }
    case op::kLookup: {
      if (strcmp(body, "file") != 0) return {false, -ENOENT, {}};
      fuse_entry_out out{};
      out.nodeid = kFileId;
      out.attr = Attributes(kFileId);
      return Given(out);
    }
    case op::kOpen: {
      fuse_open_out out{};
      out.open_flags = kOpenDirectIo;
      return Given(out);
    }
    case op::kRead: {
      fuse_read_in read;
      memcpy(&read, body, sizeof read);
      const size_t from = std::min<uint64_t>(read.offset, sizeof kText - 1);
      return {false, 0, std::string(kText).substr(from, read.size)};
    }
    case op::kRelease:
    case op::kFlush:
    case op::kDestroy:
      return {};
  }
  return {false, -ENOSYS, {}};
}

void Answer(int fd, const char* request, size_t n, bool over_ring) {
  fuse_in_header in;
  if (n < sizeof in) return;
  memcpy(&in, request, sizeof in);
  const Answered a = AnswerTo(in, request + sizeof in, over_ring);
  if (!a.silent) Reply(fd, in.unique, a.error, a.body.data(), a.body.size());
}

long Read(int fd, std::vector<char>* request) {
  request->resize(kRequestMax);
  const ssize_t n = read(fd, request->data(), request->size());
  return n < 0 ? -errno : n;
}

int Serve(int fd) {
  std::vector<char> request;
  for (;;) {
    const long n = Read(fd, &request);
    if (n > 0) Answer(fd, request.data(), static_cast<size_t>(n));
    else if (n != -EINTR && n != -ENOENT && n != -EAGAIN) return static_cast<int>(-n);
  }
}

}  // namespace fuse_rig
