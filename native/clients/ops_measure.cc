// Operations that say how long they took, for rig/bench: the clock is read here, in the process that
// makes the calls, so that neither its start nor a pipe is measured. Their results are nanoseconds,
// which are never the same twice; workloads leave them alone.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

#include "client.h"
#include "content.h"
#include "words.h"

namespace fuse_rig {
namespace {

int64_t Now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// time-random SLOT SIZE COUNT SEED: reads at random multiples of SIZE within the file, one at a time
std::string TimeRandom(Client& client, const Words& w) {
  const auto size = static_cast<size_t>(Number(w[1]));
  const int64_t count = Number(w[2]);
  auto state = static_cast<uint64_t>(Number(w[3]));
  const Aligned buffer(size);
  const int fd = client.Slot(w[0]);
  struct stat st {};
  if (fstat(fd, &st) != 0) return Result(-1);
  const uint64_t blocks = std::max<uint64_t>(1, static_cast<uint64_t>(st.st_size) / size);
  const int64_t start = Now();
  for (int64_t i = 0; i < count; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto at = static_cast<off_t>((state >> 33) % blocks * size);
    if (pread(fd, buffer.get(), size, at) < 0) return Result(-1);
  }
  return Result(Now() - start);
}

// time-scan SLOT SIZE COUNT: reads one after the other, from the start again at the file's end
std::string TimeScan(Client& client, const Words& w) {
  const auto size = static_cast<size_t>(Number(w[1]));
  const int64_t count = Number(w[2]);
  const Aligned buffer(size);
  const int fd = client.Slot(w[0]);
  off_t at = 0;
  const int64_t start = Now();
  for (int64_t i = 0; i < count; i++) {
    const ssize_t n = pread(fd, buffer.get(), size, at);
    if (n < 0) return Result(-1);
    at = n < static_cast<ssize_t>(size) ? 0 : at + n;
  }
  return Result(Now() - start);
}

// time-fill SLOT SIZE COUNT: writes one after the other, from the start again after 8
std::string TimeFill(Client& client, const Words& w) {
  const auto size = static_cast<size_t>(Number(w[1]));
  const int64_t count = Number(w[2]);
  const Aligned buffer(size);
  memset(buffer.get(), 'f', size);
  const int fd = client.Slot(w[0]);
  const int64_t start = Now();
  for (int64_t i = 0; i < count; i++) {
    if (pwrite(fd, buffer.get(), size, static_cast<off_t>(i % 8 * size)) < 0) return Result(-1);
  }
  return Result(Now() - start);
}

// time-names DIR COUNT: COUNT times a file is created, looked at and removed
std::string TimeNames(Client&, const Words& w) {
  const int64_t count = Number(w[1]);
  const int64_t start = Now();
  for (int64_t i = 0; i < count; i++) {
    const std::string path = w[0] + "/n" + std::to_string(i % 16);
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    struct stat st {};
    if (fd < 0 || close(fd) != 0 || stat(path.c_str(), &st) != 0) return Result(-1);
    if (unlink(path.c_str()) != 0) return Result(-1);
  }
  return Result(Now() - start);
}

// time-writes SLOT COUNT: COUNT writes of one byte, whatever they return
std::string TimeWrites(Client& client, const Words& w) {
  const int64_t count = Number(w[1]);
  const int fd = client.Slot(w[0]);
  const int64_t start = Now();
  for (int64_t i = 0; i < count; i++) (void)!write(fd, "", 1);
  return Result(Now() - start);
}

}  // namespace

const std::vector<Op> kMeasureOps = {
    {"time-random", 4, TimeRandom}, {"time-scan", 3, TimeScan}, {"time-fill", 3, TimeFill}, {"time-names", 2, TimeNames},
    {"time-writes", 2, TimeWrites}};

}  // namespace fuse_rig
