// Steps that splice between a device and a pipe of their own.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fd.h"
#include "prober.h"

namespace fuse_rig {
namespace {

struct Pipe {
  Fd read, write;
  explicit Pipe(int size) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    read = Fd(ends[0]);
    write = Fd(ends[1]);
    if (size > 0) fcntl(ends[1], F_SETPIPE_SZ, size);
  }
};

const Flag kFlags[] = {{"NONBLOCK", SPLICE_F_NONBLOCK}, {"MOVE", SPLICE_F_MOVE}};

// spliceout NAME LENGTH FLAGS PIPE: from the device into a pipe of PIPE bytes (0: as it comes), and
// what lies in it then
Answer SpliceOut(Objects& o, const Words& w) {
  const Pipe pipe(static_cast<int>(Number(w[3])));
  const auto length = static_cast<size_t>(Number(w[1]));
  const auto flags = static_cast<unsigned>(Flags(kFlags, w[2]));
  const ssize_t n = splice(o.Get(w[0]), nullptr, pipe.write.get(), nullptr, length, flags);
  Answer answer = Returned(n);
  if (n <= 0) return answer;
  std::string bytes(static_cast<size_t>(n), '\0');
  const ssize_t got = read(pipe.read.get(), bytes.data(), bytes.size());
  return answer.AddBytes("bytes", bytes.data(), got > 0 ? static_cast<size_t>(got) : 0);
}

// splicein NAME HEX LENGTH FLAGS: HEX into a pipe, LENGTH of it to the device; what is left
Answer SpliceIn(Objects& o, const Words& w) {
  const Pipe pipe(1 << 20);
  const std::string bytes = Unhex(w[1]);
  (void)!write(pipe.write.get(), bytes.data(), bytes.size());
  const auto length = static_cast<size_t>(Number(w[2]));
  const auto flags = static_cast<unsigned>(Flags(kFlags, w[3]));
  Answer answer = Returned(splice(pipe.read.get(), nullptr, o.Get(w[0]), nullptr, length, flags));
  int left = 0;
  ioctl(pipe.read.get(), FIONREAD, &left);
  return answer.Add("left", left);
}

}  // namespace

const std::vector<Step> kSpliceSteps = {{"spliceout", 4, SpliceOut}, {"splicein", 4, SpliceIn}};

}  // namespace fuse_rig
