// Steps on a device's descriptor: open, read, write, ioctl, poll, and what the device does not do.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "prober.h"

namespace fuse_rig {
namespace {

constexpr size_t kPage = 4096;

const Flag kOpenFlags[] = {{"RDONLY", O_RDONLY}, {"WRONLY", O_WRONLY}, {"RDWR", O_RDWR}, {"NONBLOCK", O_NONBLOCK}};

// open NAME FLAGS
Answer Open(Objects& o, const Words& w) {
  return o.Keep(w[0], open("/dev/fuse", static_cast<int>(Flags(kOpenFlags, w[1])) | O_CLOEXEC));
}
Answer Close(Objects& o, const Words& w) { return o.Close(w[0]); }

// dup NAME NEW
Answer Dup(Objects& o, const Words& w) { return o.Keep(w[1], fcntl(o.Get(w[0]), F_DUPFD_CLOEXEC, 0)); }

Answer WithBytes(int64_t n, const std::string& bytes) {
  Answer answer = Returned(n);
  if (n > 0) answer.AddBytes("bytes", bytes.data(), static_cast<size_t>(n));
  return answer;
}

// read NAME SIZE
Answer Read(Objects& o, const Words& w) {
  std::string buffer(static_cast<size_t>(Number(w[1])), '\xee');
  return WithBytes(read(o.Get(w[0]), buffer.data(), buffer.size()), buffer);
}

// The pieces of a buffer, as sizes separated by commas.
std::vector<iovec> Pieces(char* at, const std::string& sizes) {
  std::vector<iovec> pieces;
  for (size_t from = 0; from <= sizes.size();) {
    const size_t comma = std::min(sizes.find(',', from), sizes.size());
    const auto size = static_cast<size_t>(Number(sizes.substr(from, comma - from)));
    pieces.push_back({at, size});
    at += size;
    from = comma + 1;
  }
  return pieces;
}

// readv NAME SIZE,SIZE...
Answer Readv(Objects& o, const Words& w) {
  size_t total = 0;
  for (const iovec& piece : Pieces(nullptr, w[1])) total += piece.iov_len;
  std::string buffer(total, '\xee');
  const std::vector<iovec> pieces = Pieces(buffer.data(), w[1]);
  return WithBytes(readv(o.Get(w[0]), pieces.data(), static_cast<int>(pieces.size())), buffer);
}

// Memory whose first `good` bytes can be used and no others.
class Hole {
 public:
  Hole(size_t good, size_t size) {
    const size_t head = (good + kPage - 1) / kPage * kPage;
    size_ = head + (size + kPage - 1) / kPage * kPage + kPage;
    all_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(all_ + head, size_ - head, PROT_NONE);
    start_ = all_ + head - good;
  }
  ~Hole() { munmap(all_, size_); }
  char* start() const { return start_; }

 private:
  char *all_, *start_;
  size_t size_;
};

// readhole NAME SIZE GOOD: only the first GOOD bytes of the buffer are there
Answer ReadHole(Objects& o, const Words& w) {
  const auto size = static_cast<size_t>(Number(w[1]));
  const Hole hole(static_cast<size_t>(Number(w[2])), size);
  return Returned(read(o.Get(w[0]), hole.start(), size));
}

// write NAME HEX
Answer Write(Objects& o, const Words& w) {
  const std::string bytes = Unhex(w[1]);
  return Returned(write(o.Get(w[0]), bytes.data(), bytes.size()));
}

// writev NAME HEX SIZE,SIZE...
Answer Writev(Objects& o, const Words& w) {
  std::string bytes = Unhex(w[1]);
  const std::vector<iovec> pieces = Pieces(bytes.data(), w[2]);
  return Returned(writev(o.Get(w[0]), pieces.data(), static_cast<int>(pieces.size())));
}

// writehole NAME HEX LENGTH: only the bytes given are there
Answer WriteHole(Objects& o, const Words& w) {
  const std::string bytes = w[1] == "-" ? "" : Unhex(w[1]);
  const auto length = static_cast<size_t>(Number(w[2]));
  const Hole hole(bytes.size(), length);
  memcpy(hole.start(), bytes.data(), bytes.size());
  return Returned(write(o.Get(w[0]), hole.start(), length));
}

// ioctl NAME COMMAND none|bad|@NAME|HEX
Answer Ioctl(Objects& o, const Words& w) {
  const auto command = static_cast<unsigned long>(Number(w[1]));
  const int fd = o.Get(w[0]);
  if (w[2] == "none") return Returned(ioctl(fd, command));
  if (w[2] == "bad") return Returned(ioctl(fd, command, 8));
  std::string argument(64, '\0');
  const int32_t named = w[2][0] == '@' ? o.Get(w[2].substr(1)) : 0;
  const std::string bytes = Unhex(w[2]);
  if (w[2][0] == '@') memcpy(argument.data(), &named, sizeof named);
  else memcpy(argument.data(), bytes.data(), bytes.size());
  return Returned(ioctl(fd, command, argument.data()));
}

const char* const kEvents[] = {"IN", "PRI", "OUT", "ERR", "HUP", "NVAL", "RDNORM", "RDBAND", "WRNORM"};

// poll NAME: everything that is ready
Answer Poll(Objects& o, const Words& w) {
  pollfd one{o.Get(w[0]), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLPRI, 0};
  const int n = poll(&one, 1, 0);
  std::string text;
  for (size_t bit = 0; bit < sizeof kEvents / sizeof *kEvents; bit++) {
    if (one.revents & (1 << bit)) text += (text.empty() ? "" : "|") + std::string(kEvents[bit]);
  }
  return Returned(n).Add("events", text);
}

Answer Lseek(Objects& o, const Words& w) { return Returned(lseek(o.Get(w[0]), 0, SEEK_SET)); }

Answer Mmap(Objects& o, const Words& w) {
  void* at = mmap(nullptr, kPage, PROT_READ, MAP_SHARED, o.Get(w[0]), 0);
  return Returned(at == MAP_FAILED ? -1 : 0);
}

// nonblock NAME 0|1
Answer NonBlock(Objects& o, const Words& w) {
  return Returned(fcntl(o.Get(w[0]), F_SETFL, O_RDWR | (w[1] == "1" ? O_NONBLOCK : 0)));
}
// fasync NAME
Answer Fasync(Objects& o, const Words& w) { return Returned(fcntl(o.Get(w[0]), F_SETFL, O_RDWR | O_ASYNC)); }

// pause MS: lets time pass
Answer Pause(Objects&, const Words& w) { return Returned(usleep(static_cast<useconds_t>(1000 * Number(w[0])))); }

}  // namespace

const std::vector<Step> kDeviceSteps = {
    {"open", 2, Open},         {"close", 1, Close},       {"dup", 2, Dup},           {"read", 2, Read},
    {"readv", 2, Readv},       {"readhole", 3, ReadHole}, {"write", 2, Write},       {"writev", 3, Writev},
    {"writehole", 3, WriteHole}, {"ioctl", 3, Ioctl},     {"poll", 1, Poll},         {"lseek", 1, Lseek},
    {"mmap", 1, Mmap},         {"nonblock", 2, NonBlock}, {"fasync", 1, Fasync},     {"pause", 1, Pause},
};

}  // namespace fuse_rig
