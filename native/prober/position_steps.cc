// Steps that name a position or go by another file: what a device makes of pread(2), preadv2(2),
// vmsplice(2), sendfile(2) and their like.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fd.h"
#include "prober.h"

namespace fuse_rig {
namespace {

Answer WithBytes(int64_t n, const std::string& bytes) {
  Answer answer = Returned(n);
  if (n > 0) answer.AddBytes("bytes", bytes.data(), static_cast<size_t>(n));
  return answer;
}

// pread NAME SIZE OFFSET
Answer Pread(Objects& o, const Words& w) {
  std::string buffer(static_cast<size_t>(Number(w[1])), '\xee');
  return WithBytes(pread(o.Get(w[0]), buffer.data(), buffer.size(), Number(w[2])), buffer);
}

// pwrite NAME HEX OFFSET
Answer Pwrite(Objects& o, const Words& w) {
  const std::string bytes = Unhex(w[1]);
  return Returned(pwrite(o.Get(w[0]), bytes.data(), bytes.size(), Number(w[2])));
}

// preadv NAME SIZE OFFSET: two pieces, the first of 7 bytes
Answer Preadv(Objects& o, const Words& w) {
  std::string buffer(static_cast<size_t>(Number(w[1])), '\xee');
  const iovec pieces[2] = {{buffer.data(), 7}, {buffer.data() + 7, buffer.size() - 7}};
  return WithBytes(preadv(o.Get(w[0]), pieces, 2, Number(w[2])), buffer);
}

// pwritev NAME HEX OFFSET: two pieces, the first of 7 bytes
Answer Pwritev(Objects& o, const Words& w) {
  std::string bytes = Unhex(w[1]);
  const iovec pieces[2] = {{bytes.data(), 7}, {bytes.data() + 7, bytes.size() - 7}};
  return Returned(pwritev(o.Get(w[0]), pieces, 2, Number(w[2])));
}

const Flag kRwf[] = {{"HIPRI", 1}, {"DSYNC", 2}, {"SYNC", 4}, {"NOWAIT", 8}, {"APPEND", 16}};

// preadv2 NAME SIZE OFFSET FLAGS
Answer Preadv2(Objects& o, const Words& w) {
  std::string buffer(static_cast<size_t>(Number(w[1])), '\xee');
  const iovec piece = {buffer.data(), buffer.size()};
  const auto flags = static_cast<int>(Flags(kRwf, w[3]));
  return WithBytes(preadv2(o.Get(w[0]), &piece, 1, Number(w[2]), flags), buffer);
}

// pwritev2 NAME HEX OFFSET FLAGS
Answer Pwritev2(Objects& o, const Words& w) {
  std::string bytes = Unhex(w[1]);
  const iovec piece = {bytes.data(), bytes.size()};
  return Returned(pwritev2(o.Get(w[0]), &piece, 1, Number(w[2]), static_cast<int>(Flags(kRwf, w[3]))));
}

// vmsplice NAME
Answer Vmsplice(Objects& o, const Words& w) {
  char byte = 0;
  const iovec piece = {&byte, 1};
  return Returned(vmsplice(o.Get(w[0]), &piece, 1, 0));
}

// sendfileout NAME LENGTH pipe|file: from the device
Answer SendfileOut(Objects& o, const Words& w) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Returned(-1);
  const Fd from(ends[0]), to(ends[1]);
  fcntl(to.get(), F_SETPIPE_SZ, 1 << 20);
  const Fd file(memfd_create("probe", MFD_CLOEXEC));
  const int out = w[2] == "pipe" ? to.get() : file.get();
  const ssize_t n = sendfile(out, o.Get(w[0]), nullptr, static_cast<size_t>(Number(w[1])));
  std::string bytes(n > 0 ? static_cast<size_t>(n) : 0, '\0');
  if (n > 0) (void)!read(from.get(), bytes.data(), bytes.size());
  return WithBytes(n, bytes);
}

// sendfilein NAME HEX LENGTH pipe|file: to the device, and how far the file was read
Answer SendfileIn(Objects& o, const Words& w) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Returned(-1);
  const Fd from(ends[0]), to(ends[1]);
  const Fd file(memfd_create("probe", MFD_CLOEXEC));
  const std::string bytes = Unhex(w[1]);
  const bool pipe = w[3] == "pipe";
  (void)!write(pipe ? to.get() : file.get(), bytes.data(), bytes.size());
  lseek(file.get(), 0, SEEK_SET);
  const int in = pipe ? from.get() : file.get();
  const ssize_t n = sendfile(o.Get(w[0]), in, nullptr, static_cast<size_t>(Number(w[2])));
  return Returned(n).Add("at", lseek(file.get(), 0, SEEK_CUR));
}

// openpath NAME PATH: another file of the server's
Answer OpenPath(Objects& o, const Words& w) { return o.Keep(w[0], open(w[1].c_str(), O_RDONLY | O_CLOEXEC)); }

}  // namespace

const std::vector<Step> kPositionSteps = {
    {"pread", 3, Pread},       {"pwrite", 3, Pwrite},     {"preadv", 3, Preadv},
    {"pwritev", 3, Pwritev},   {"preadv2", 4, Preadv2},   {"pwritev2", 4, Pwritev2},
    {"vmsplice", 1, Vmsplice}, {"sendfileout", 3, SendfileOut},
    {"sendfilein", 4, SendfileIn}, {"openpath", 2, OpenPath},
};

}  // namespace fuse_rig
