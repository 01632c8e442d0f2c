// Descriptors by name, and the connections they were bound to.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "prober.h"

namespace fuse_rig {
namespace {

std::string ReadFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char text[4096];
  const ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
  if (fd >= 0) close(fd);
  return std::string(text, n > 0 ? static_cast<size_t>(n) : 0);
}

}  // namespace

int Objects::Get(const std::string& name) {
  const std::lock_guard<std::mutex> hold(mutex_);
  const auto found = fds_.find(name);
  if (found != fds_.end()) return found->second;
  return name.find_first_not_of("0123456789") == std::string::npos ? atoi(name.c_str()) : -1;
}

Answer Objects::Keep(const std::string& name, int fd) {
  const Answer answer = Returned(fd < 0 ? -1 : 0);
  const std::lock_guard<std::mutex> hold(mutex_);
  if (fd >= 0) fds_[name] = fd;
  return answer;
}

Answer Objects::Close(const std::string& name) {
  LearnConnections();
  const int fd = Get(name);
  {
    const std::lock_guard<std::mutex> hold(mutex_);
    fds_.erase(name);
  }
  return Returned(close(fd));
}

std::string Objects::Filled(const std::string& text) {
  std::string out = text;
  for (size_t at = out.find('@'); at != std::string::npos; at = out.find('@', at + 1)) {
    const size_t end = std::min(out.find(',', at), out.size());
    out.replace(at, end - at, std::to_string(Get(out.substr(at + 1, end - at - 1))));
  }
  return out;
}

void Objects::LearnConnections() {
  const std::lock_guard<std::mutex> hold(mutex_);
  for (const auto& [name, fd] : fds_) {
    const std::string info = ReadFile("/proc/self/fdinfo/" + std::to_string(fd));
    const size_t at = info.find("fuse_connection:\t");
    if (at != std::string::npos) connections_[name] = std::to_string(atoll(info.c_str() + at + 17));
  }
}

std::string Objects::Connection(const std::string& name) {
  LearnConnections();
  const std::lock_guard<std::mutex> hold(mutex_);
  const auto found = connections_.find(name);
  return found == connections_.end() ? "" : found->second;
}

// Numbers of superblocks are used again at once, by whoever mounts next: what our namespace does not
// show may be somebody else's.
bool Objects::Mounted(const std::string& connection) {
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const Words words = SplitWords(line);
    if (words.size() < 3) continue;
    // MAJOR:MINOR here, one number there (MKDEV); only a block device has a major.
    const size_t colon = words[2].find(':');
    const long device = (atol(words[2].c_str()) << 20) | atol(words[2].c_str() + colon + 1);
    if (std::to_string(device) == connection) return true;
  }
  return false;
}

void Objects::AbortAll() {
  LearnConnections();
  for (const auto& [name, connection] : connections_) {
    if (!Mounted(connection)) continue;
    const int fd = open(("/sys/fs/fuse/connections/" + connection + "/abort").c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) continue;
    (void)!write(fd, "1", 1);
    close(fd);
  }
}

void Objects::CloseAll() {
  const std::lock_guard<std::mutex> hold(mutex_);
  for (const auto& [name, fd] : fds_) close(fd);
  fds_.clear();
}

}  // namespace fuse_rig
