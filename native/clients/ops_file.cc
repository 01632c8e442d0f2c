// Operations on open files: contents.
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

#include "client.h"
#include "content.h"
#include "sha256.h"
#include "words.h"

namespace fuse_rig {
namespace {

const Flag kOpenFlags[] = {
    {"RDONLY", O_RDONLY}, {"WRONLY", O_WRONLY},       {"RDWR", O_RDWR},         {"CREAT", O_CREAT},
    {"EXCL", O_EXCL},     {"TRUNC", O_TRUNC},         {"APPEND", O_APPEND},     {"DIRECT", O_DIRECT},
    {"SYNC", O_SYNC},     {"DIRECTORY", O_DIRECTORY}, {"NOFOLLOW", O_NOFOLLOW}, {"TMPFILE", O_TMPFILE},
    {"PATH", O_PATH},     {"NONBLOCK", O_NONBLOCK},   {"NOATIME", O_NOATIME},
};

// open SLOT PATH FLAGS [MODE]
std::string Open(Client& client, const Words& w) {
  const int flags = static_cast<int>(Flags(kOpenFlags, w[2]));
  const auto mode = static_cast<mode_t>(NumberAt(w, 3, 0644));
  return client.Keep(w[0], open(w[1].c_str(), flags | O_CLOEXEC, mode));
}

std::string Close(Client& client, const Words& w) { return client.Close(w[0]); }

// dup SLOT NEW
std::string Dup(Client& client, const Words& w) { return client.Keep(w[1], dup(client.Slot(w[0]))); }

// read SLOT SIZE [OFFSET]: bytes and their digest
std::string Read(Client& client, const Words& w) {
  const auto size = static_cast<size_t>(Number(w[1]));
  const Aligned buffer(size);
  const int fd = client.Slot(w[0]);
  const ssize_t n = w.size() > 2 ? pread(fd, buffer.get(), size, Number(w[2]))
                                 : read(fd, buffer.get(), size);
  if (n <= 0) return Result(n);
  Sha256 sha;
  sha.Add(buffer.get(), static_cast<size_t>(n));
  return Result(n) + " " + sha.Short();
}

// write SLOT SEED SIZE [OFFSET]
std::string Write(Client& client, const Words& w) {
  const auto size = static_cast<size_t>(Number(w[2]));
  const Aligned buffer(size);
  const int64_t offset = NumberAt(w, 3, 0);
  Fill(buffer.get(), size, static_cast<uint64_t>(Number(w[1])), static_cast<uint64_t>(offset));
  const int fd = client.Slot(w[0]);
  if (w.size() > 3) return Result(pwrite(fd, buffer.get(), size, offset));
  return Result(write(fd, buffer.get(), size));
}

// put SLOT TEXT: one write of the text at the start of the file; TEXT `*N` is N bytes. From the start of a
// page: a direct write is cut by the pages it lies in.
std::string Put(Client& client, const Words& w) {
  std::string text = w[1];
  if (text[0] == '*') text = std::string(static_cast<size_t>(Number(text.substr(1))), 'v');
  const Aligned buffer(text.size());
  memcpy(buffer.get(), text.data(), text.size());
  return Result(pwrite(client.Slot(w[0]), buffer.get(), text.size(), 0));
}

// fill SLOT SEED TOTAL BLOCK [OFFSET]: TOTAL bytes from OFFSET on in writes of BLOCK
std::string FillFile(Client& client, const Words& w) {
  const int64_t total = Number(w[2]);
  const auto block = static_cast<size_t>(Number(w[3]));
  const int64_t from = NumberAt(w, 4, 0);
  const Aligned buffer(block);
  int64_t done = 0;
  while (done < total) {
    const size_t size = std::min<size_t>(block, static_cast<size_t>(total - done));
    Fill(buffer.get(), size, static_cast<uint64_t>(Number(w[1])), static_cast<uint64_t>(from + done));
    const ssize_t n = pwrite(client.Slot(w[0]), buffer.get(), size, from + done);
    if (n < 0) return Result(n) + " after " + std::to_string(done);
    if (n == 0) break;
    done += n;
  }
  return Result(done);
}

// drain SLOT BLOCK: everything from the start to the end of the file, in reads of BLOCK
std::string Drain(Client& client, const Words& w) {
  const auto block = static_cast<size_t>(Number(w[1]));
  const Aligned buffer(block);
  Sha256 sha;
  int64_t done = 0;
  for (;;) {
    const ssize_t n = pread(client.Slot(w[0]), buffer.get(), block, done);
    if (n < 0) return Result(n) + " after " + std::to_string(done);
    if (n == 0) return Result(done) + " " + sha.Short();
    sha.Add(buffer.get(), static_cast<size_t>(n));
    done += n;
  }
}

std::string Fsync(Client& client, const Words& w) { return Result(fsync(client.Slot(w[0]))); }
std::string Fdatasync(Client& client, const Words& w) { return Result(fdatasync(client.Slot(w[0]))); }
std::string Syncfs(Client& client, const Words& w) { return Result(syncfs(client.Slot(w[0]))); }

// ioctl SLOT COMMAND: with an 8-byte argument of zeros
std::string Ioctl(Client& client, const Words& w) {
  char argument[4096] = {};
  return Result(ioctl(client.Slot(w[0]), static_cast<unsigned long>(Number(w[1])), argument));
}

// bmap SLOT BLOCK: which block of the device it is
std::string Bmap(Client& client, const Words& w) {
  int block = static_cast<int>(Number(w[1]));
  const int n = ioctl(client.Slot(w[0]), FIBMAP, &block);
  return n < 0 ? Result(n) : std::to_string(block);
}

// poll SLOT MASK: what is ready now
std::string Poll(Client& client, const Words& w) {
  pollfd one{client.Slot(w[0]), static_cast<short>(Number(w[1])), 0};
  const int n = poll(&one, 1, 0);
  return n < 0 ? Result(n) : std::to_string(one.revents);
}

// waitpoll SLOT MASK: sleeps until any of it is ready
std::string WaitPoll(Client& client, const Words& w) {
  pollfd one{client.Slot(w[0]), static_cast<short>(Number(w[1])), 0};
  const int n = poll(&one, 1, -1);
  return n < 0 ? Result(n) : std::to_string(one.revents);
}

}  // namespace

const std::vector<Op> kFileOps = {
    {"open", 3, Open},   {"close", 1, Close},         {"dup", 2, Dup},       {"read", 2, Read},
    {"write", 3, Write}, {"put", 2, Put},             {"fill", 4, FillFile},       {"drain", 2, Drain},   {"fsync", 1, Fsync},
    {"fdatasync", 1, Fdatasync}, {"syncfs", 1, Syncfs}, {"ioctl", 2, Ioctl}, {"poll", 2, Poll},
    {"bmap", 2, Bmap},
    {"waitpoll", 2, WaitPoll},
};

}  // namespace fuse_rig
