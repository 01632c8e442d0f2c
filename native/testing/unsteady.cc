// A server of which nobody can say what it does next.
#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <thread>

#include "tiny.h"

namespace fuse_rig {
namespace {

// Three threads that take a while over each request, which none of them knows before: who answers first,
// and who reads next, is chance.
int Unsteady(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  auto serve = [fd] {
    std::random_device chance;
    std::vector<char> request;
    for (;;) {
      const long n = Read(fd, &request);
      if (n == -ENODEV) return;
      if (n < 0) continue;
      const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(chance() % 1000);
      while (std::chrono::steady_clock::now() < until) continue;
      Answer(fd, request.data(), static_cast<size_t>(n));
    }
  };
  std::thread one(serve), two(serve);
  serve();
  one.join();
  two.join();
  return 0;
}

}  // namespace

const std::vector<Mode> kUnsteadyModes = {{"unsteady", Unsteady}};

}  // namespace fuse_rig
