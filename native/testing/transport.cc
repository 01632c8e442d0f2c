// Rare ways to the device and with its descriptors. What a mode prints is the same in front of the
// real kernel, in front of the rig, and in a replay.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "tiny.h"

namespace fuse_rig {
namespace {


int Plain(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  return Serve(fd) == ENODEV ? 0 : 1;
}

// Whether a thread of ours sleeps.
bool Sleeps(pid_t tid) {
  std::ifstream stat("/proc/self/task/" + std::to_string(tid) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(stat)), {});
  const size_t name = text.rfind(')');
  return name != std::string::npos && text.compare(name, 4, ") S ") == 0;
}

// Linux 6.18: INIT is answered while mount(2) waits for it.
int SyncInit(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  if (ioctl(fd, kIocSyncInit) != 0) {
    Say("SYNC_INIT %s", strerrorname_np(errno));
    return 3;
  }
  int error = 0;
  std::thread server([&] { error = Serve(fd); });
  MountDevice(fd, a.target);
  Say("mounted");
  server.join();
  return error == ENODEV ? 0 : 1;
}

// Linux 6.18.44: a clone of a device that waits for its mount waits for it too, and serves it then.
int CloneWaits(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  if (ioctl(fd, kIocSyncInit) != 0) {
    Say("SYNC_INIT %s", strerrorname_np(errno));
    return 3;
  }
  const int clone = OpenDevice(O_RDWR | O_CLOEXEC);
  std::atomic<pid_t> cloner{0};
  int error = 0;
  std::thread server([&] {
    const uint32_t source = static_cast<uint32_t>(fd);
    cloner = gettid();
    if (ioctl(clone, kIocClone, &source) != 0) Say("clone %s", strerrorname_np(errno));
    error = Serve(clone);
  });
  while (cloner == 0 || !Sleeps(cloner)) usleep(1000);
  MountDevice(fd, a.target);
  Say("mounted");
  server.join();
  return error == ENODEV ? 0 : 1;
}

// Opens and mounts, then becomes another program that is given the descriptor: the words after the
// mountpoint, `@` in them being the descriptor's number.
int Inherit(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR);
  MountDevice(fd, a.target);
  std::vector<std::string> words;
  for (char* word : a.rest) {
    if (word == nullptr) break;
    std::string text(word);
    const size_t at = text.find('@');
    if (at != std::string::npos) text.replace(at, 1, std::to_string(fd));
    words.push_back(text);
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  return 127;
}

const char* Shown(int revents) {
  if (revents == 0) return "nothing";
  if (revents == POLLIN) return "IN";
  if (revents == POLLERR) return "ERR";
  return "other";
}

// The three states of a polled device, waited for: nothing can be missed by being slow.
int PollStates(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC | O_NONBLOCK);
  MountDevice(fd, a.target);
  std::vector<char> request, request2;
  pollfd p = {fd, POLLIN, 0};
  poll(&p, 1, -1);
  Say("after mount %s", Shown(p.revents));
  for (bool first = true;; first = false) {
    const long n = Read(fd, &request);
    if (n == -ENODEV) break;
    if (n > 0 && first) {
      // INIT is the only request until it is answered.
      p.revents = 0;
      poll(&p, 1, 0);
      Say("INIT in hand %s", Shown(p.revents));
      Say("read %s", strerrorname_np(static_cast<int>(-Read(fd, &request2))));
    }
    if (n > 0) {
      Answer(fd, request.data(), static_cast<size_t>(n));
      continue;
    }
    p.revents = 0;
    poll(&p, 1, -1);
    if (p.revents != POLLIN) break;
  }
  for (int i = 0; i < 2; ++i) {
    p = {fd, POLLIN, 0};
    poll(&p, 1, -1);
    Say("at the end %s", Shown(p.revents));
  }
  Say("read %s", strerrorname_np(static_cast<int>(-Read(fd, &request))));
  return 0;
}

// A blocking descriptor that is polled all the same; epoll, level-triggered.
int EpollBlocking(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  std::vector<char> request;
  for (;;) {
    if (epoll_wait(epoll, &event, 1, -1) != 1) continue;
    if (event.events != EPOLLIN) break;
    const long n = Read(fd, &request);
    if (n > 0) Answer(fd, request.data(), static_cast<size_t>(n));
    else if (n != -ENOENT) break;
  }
  Say("epoll %s", event.events == EPOLLERR ? "ERR" : "other");
  return 0;
}

// Serves through a copy of a copy; the first descriptors are closed.
int Dup(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR);
  const int second = dup(fd);
  MountDevice(second, a.target);
  close(fd);
  const int third = fcntl(second, F_DUPFD_CLOEXEC, 10);
  Say("third %s", third >= 10 && (fcntl(third, F_GETFD) & FD_CLOEXEC) ? "ok" : "bad");
  close(second);
  std::vector<char> request;
  Say("closed %s", strerrorname_np(static_cast<int>(-Read(second, &request))));
  return Serve(third) == ENODEV ? 0 : 1;
}

// Gives its descriptor a number of its own choice, and serves by that if it may.
int Dup2(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  Say("itself %s", dup2(fd, fd) == fd ? "ok" : "bad");
  const int other = dup2(fd, 100);
  Say("dup2 %s", other == 100 ? "ok" : strerrorname_np(errno));
  return Serve(other < 0 ? fd : other) == ENODEV ? 0 : 1;
}

// As go-fuse does: a file below its own mount is opened and polled, so that Go's poller knows that FUSE
// has no poll, while another thread serves.
int EpollHack(const Arguments& a) {
  constexpr char kName[] = ".go-fuse-epoll-hack";
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  int error = 0;
  std::thread server([&] {
    std::vector<char> request;
    for (long n; (n = Read(fd, &request)) != -ENODEV;) {
      fuse_in_header in{};
      if (n > 0) memcpy(&in, request.data(), sizeof in);
      fuse_entry_out entry{};
      entry.nodeid = 99;
      entry.attr.mode = S_IFREG | 0644;
      const bool hack = in.opcode == op::kLookup && strcmp(request.data() + sizeof in, kName) == 0;
      if (hack) Reply(fd, in.unique, 0, &entry, sizeof entry);
      else if (n > 0) Answer(fd, request.data(), static_cast<size_t>(n));
      else if (n != -EINTR && n != -ENOENT) break;
    }
    error = ENODEV;
  });
  pollfd p = {open((a.target + "/" + kName).c_str(), O_RDONLY | O_CLOEXEC), POLLIN, 0};
  Say("hack %s", p.fd >= 0 && poll(&p, 1, 0) == 1 && p.revents == POLLIN ? "ok" : strerrorname_np(errno));
  close(p.fd);
  server.join();
  return error == ENODEV ? 0 : 1;
}

// O_NONBLOCK comes and goes.
int Flags(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  std::vector<char> request;
  const long n = Read(fd, &request);
  // INIT is the only request until it is answered.
  std::vector<char> other;
  Say("F_GETFL %s", (fcntl(fd, F_GETFL) & O_NONBLOCK) ? "nonblock" : "block");
  fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
  Say("F_GETFL %s", (fcntl(fd, F_GETFL) & O_NONBLOCK) ? "nonblock" : "block");
  Say("read %s", strerrorname_np(static_cast<int>(-Read(fd, &other))));
  fcntl(fd, F_SETFL, O_RDWR);
  Answer(fd, request.data(), static_cast<size_t>(n));
  return Serve(fd) == ENODEV ? 0 : 1;
}

// A clone is closed again while the connection lives on; the last close ends it.
int CloneClose(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  std::vector<char> request;
  const long n = Read(fd, &request);
  Answer(fd, request.data(), static_cast<size_t>(n));
  for (int i = 0; i < 20; ++i) {
    const int clone = OpenDevice(O_RDWR | O_CLOEXEC);
    const uint32_t source = static_cast<uint32_t>(fd);
    if (ioctl(clone, kIocClone, &source) != 0) Say("clone %s", strerrorname_np(errno));
    close(clone);
  }
  Say("cloned");
  return Serve(fd) == ENODEV ? 0 : 1;
}

// What the device says to calls that do not fit it.
int Errors(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  auto said = [](const char* what, long r) { Say("%s %s", what, r < 0 ? strerrorname_np(errno) : "ok"); };
  char buffer[64];
  said("read unbound", read(fd, buffer, sizeof buffer));
  said("write unbound", write(fd, buffer, 16));
  said("ioctl unknown", ioctl(fd, _IO(229, 99)));
  const uint32_t self = static_cast<uint32_t>(fd);
  said("clone unbound", ioctl(fd, kIocClone, &self));
  said("lseek", lseek(fd, 0, SEEK_SET));
  MountDevice(fd, a.target);
  said("read small", read(fd, buffer, sizeof buffer));
  std::vector<char> request;
  const long n = Read(fd, &request);
  Answer(fd, request.data(), static_cast<size_t>(n));
  said("read null", read(fd, nullptr, 0));
  fuse_out_header head{16, 0, 12345678};
  said("write unknown", write(fd, &head, sizeof head));
  head.len = 17;
  said("write length", write(fd, &head, sizeof head));
  said("write short", write(fd, &head, 8));
  said("write bad", syscall(SYS_write, fd, 8ul, 16ul));
  said("clone itself", ioctl(fd, kIocClone, &self));
  const uint32_t none = 999;
  said("clone of none", ioctl(OpenDevice(O_RDWR | O_CLOEXEC), kIocClone, &none));
  return Serve(fd) == ENODEV ? 0 : 1;
}

}  // namespace

const std::vector<Mode> kTransportModes = {
    {"plain", Plain},   {"sync-init", SyncInit},   {"clone-waits", CloneWaits},
    {"inherit", Inherit}, {"poll", PollStates},
    {"epoll-blocking", EpollBlocking}, {"dup", Dup}, {"dup2", Dup2}, {"epoll-hack", EpollHack},
    {"flags", Flags},   {"clone-close", CloneClose},
    {"errors", Errors},
};

}  // namespace fuse_rig
