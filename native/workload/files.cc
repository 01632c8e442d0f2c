// Contents: reading, writing, holes, copies, mappings, files without a name.
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "workload.h"

namespace fuse_rig {
namespace {

constexpr size_t kMiB = 1 << 20;

long long SizeOf(int fd) {
  struct stat st{};
  return fstat(fd, &st) < 0 ? -1 : st.st_size;
}

std::string All(int fd) {
  std::string bytes(static_cast<size_t>(std::max(0LL, SizeOf(fd))), 0);
  const ssize_t n = pread(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return bytes;
}

void Write(int fd, const std::string& bytes, off_t at, const std::string& what) {
  SayResult(what, pwrite(fd, bytes.data(), bytes.size(), at));
}

void Holes() {
  const int fd = open("holes", O_RDWR | O_CREAT | O_EXCL, 0644);
  Write(fd, Pattern(4096, 1), 0, "holes: write at 0");
  Write(fd, Pattern(4096, 2), 4 * kMiB, "holes: write at 4 MiB");
  // With a writeback cache only the kernel knows of the data yet; it does not tell before LSEEK.
  fsync(fd);
  const off_t hole = lseek(fd, 0, SEEK_HOLE);
  Say("holes: hole between", hole >= 4096 && hole <= static_cast<off_t>(4 * kMiB + 4096));
  SayResult("holes: data beyond the end", lseek(fd, 8 * kMiB, SEEK_DATA));
  SayResult("holes: punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2048));
  SayResult("holes: extend", fallocate(fd, 0, 5 * kMiB, 4096));
  SayResult("holes: size", SizeOf(fd));
  Say("holes: content", Digest(All(fd)));

  const int copy = open("copy", O_RDWR | O_CREAT, 0644);
  off_t from = 0, to = 0;
  long long copied = 0;
  for (ssize_t n; (n = copy_file_range(fd, &from, copy, &to, kMiB, 0)) > 0;) copied += n;
  Say("copy: bytes", copied);
  Say("copy: content", Digest(All(copy)));
  close(copy);
  close(fd);
  SayResult("copy: unlink", unlink("copy"));
  SayResult("holes: unlink", unlink("holes"));
}

void Xattrs() {
  const int fd = open("attributed", O_RDWR | O_CREAT, 0600);
  const std::string value = Pattern(3000, 3);
  SayResult("xattr: set", fsetxattr(fd, "user.big", value.data(), value.size(), XATTR_CREATE));
  SayResult("xattr: set again", fsetxattr(fd, "user.big", "x", 1, XATTR_CREATE));
  SayResult("xattr: replace none", fsetxattr(fd, "user.none", "x", 1, XATTR_REPLACE));
  SayResult("xattr: length", fgetxattr(fd, "user.big", nullptr, 0));
  std::string got(4096, 0);
  got.resize(
      static_cast<size_t>(std::max<ssize_t>(0, fgetxattr(fd, "user.big", got.data(), got.size()))));
  Say("xattr: value", Digest(got));
  char small[10];
  SayResult("xattr: too small", fgetxattr(fd, "user.big", small, sizeof small));
  SayResult("xattr: none", fgetxattr(fd, "user.none", small, sizeof small));
  SayResult("xattr: remove", fremovexattr(fd, "user.big"));
  SayResult("xattr: remove again", fremovexattr(fd, "user.big"));
  close(fd);
  unlink("attributed");
}

}  // namespace

void WorkOnFiles() {
  const std::string bytes = Pattern(3 * kMiB + 17, 0);
  int fd = open("plain", O_WRONLY | O_CREAT | O_EXCL, 0640);
  Write(fd, bytes, 0, "file: write");
  SayResult("file: fsync", fsync(fd));
  SayResult("file: close", close(fd));
  SayResult("file: create again", open("plain", O_WRONLY | O_CREAT | O_EXCL, 0640));
  fd = open("plain", O_RDWR | O_APPEND);
  SayResult("file: append", write(fd, "tail", 4));
  Say("file: content", Digest(All(fd)));
  char past[8];
  SayResult("file: read past the end", pread(fd, past, sizeof past, 64 * kMiB));
  SayResult("file: shrink", ftruncate(fd, 5000));
  SayResult("file: grow", ftruncate(fd, 9000));
  Say("file: content after", Digest(All(fd)));
  SayResult("file: chmod", fchmod(fd, 0751));
  struct stat st{};
  fstat(fd, &st);
  Say("file: mode", st.st_mode);
  const timespec times[2] = {{1000000000, 5}, {1100000000, 7}};
  SayResult("file: utimens", futimens(fd, times));
  stat("plain", &st);
  Say("file: mtime", st.st_mtim.tv_sec);
  pollfd one{fd, POLLIN | POLLOUT, 0};
  SayResult("file: poll", poll(&one, 1, 0));
  close(fd);
  fd = open("plain", O_WRONLY | O_TRUNC);
  Say("file: size after O_TRUNC", SizeOf(fd));
  close(fd);
  SayResult("file: unlink", unlink("plain"));
  SayResult("file: open none", open("plain", O_RDONLY));
  Holes();
  Xattrs();
}

void WorkOnMemory() {
  int fd = open("mapped", O_RDWR | O_CREAT, 0600);
  SayResult("mmap: size", ftruncate(fd, 16384));
  auto* map = static_cast<char*>(mmap(nullptr, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  if (map == MAP_FAILED) return SayResult("mmap: map", -1);
  const std::string bytes = Pattern(10000, 9);
  std::copy(bytes.begin(), bytes.end(), map + 100);
  SayResult("mmap: msync", msync(map, 16384, MS_SYNC));
  Say("mmap: content", Digest(All(fd)));
  SayResult("mmap: write beside", pwrite(fd, "beside", 6, 12000));
  Say("mmap: seen in the map", std::string(map + 12000, 6));
  munmap(map, 16384);
  close(fd);
  unlink("mapped");

  fd = open("doomed", O_RDWR | O_CREAT, 0600);
  SayResult("deleted: unlink", unlink("doomed"));
  Write(fd, bytes, 0, "deleted: write");
  Say("deleted: content", Digest(All(fd)));
  struct stat st{};
  fstat(fd, &st);
  Say("deleted: nlink", static_cast<long long>(st.st_nlink));
  SayResult("deleted: stat", stat("doomed", &st));
  close(fd);
}

}  // namespace fuse_rig
