// What the kernel shows of a connection beside the mount: fdinfo, mountinfo, fusectl. In front of the
// model nobody asks these: the model itself is asked.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "fd.h"
#include "prober.h"

namespace fuse_rig {
namespace {

// fdinfo NAME: whether it names a connection
Answer Fdinfo(Objects& o, const Words& w) {
  return Answer().Add("text", o.Connection(w[0]).empty() ? "" : "fuse_connection");
}

// mountinfo TARGET: type and superblock options of what is mounted there last
Answer Mountinfo(Objects&, const Words& w) {
  std::ifstream file("/proc/self/mountinfo");
  std::string found;
  for (std::string line; std::getline(file, line);) {
    const Words words = SplitWords(line);
    if (words.size() < 10 || words[4].size() < w[0].size() + 1) continue;
    const std::string& target = words[4];
    if (target.substr(target.size() - w[0].size() - 1) != "/" + w[0]) continue;
    const size_t dash = line.find(" - ");
    const Words rest = SplitWords(line.substr(dash + 3));
    found = rest[0] + " " + rest[2];
  }
  return Answer().Add("text", found);
}

// fusectl NAME FILE [TEXT]: reads the file of the device's connection, or writes TEXT
Answer Fusectl(Objects& o, const Words& w) {
  const std::string connection = o.Connection(w[0]);
  errno = ENOENT;
  if (!Objects::Mounted(connection)) return Returned(-1);
  const std::string path = "/sys/fs/fuse/connections/" + connection + "/" + w[1];
  const Fd fd(open(path.c_str(), (w.size() > 2 ? O_WRONLY : O_RDONLY) | O_CLOEXEC));
  if (!fd.ok()) return Returned(-1);
  if (w.size() > 2) return Returned(write(fd.get(), w[2].data(), w[2].size()));
  char text[64];
  const ssize_t n = read(fd.get(), text, sizeof text);
  if (n < 0) return Returned(n);
  return Returned(n).Add("text", std::string(text, static_cast<size_t>(n)));
}

// sysctl DEFAULT MAX: what fs.fuse says of request timeouts, which is for the whole machine
Answer Sysctl(Objects&, const Words& w) {
  for (const auto& [name, value] : {std::pair("default", w[0]), std::pair("max", w[1])}) {
    const std::string path = std::string("/proc/sys/fs/fuse/") + name + "_request_timeout";
    const Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.ok() || write(fd.get(), value.data(), value.size()) < 0) return Returned(-1);
  }
  return Returned(0);
}

}  // namespace

const std::vector<Step> kSuperblockSteps = {
    {"fdinfo", 1, Fdinfo}, {"mountinfo", 1, Mountinfo}, {"fusectl", 2, Fusectl},
    {"sysctl", 2, Sysctl}};

}  // namespace fuse_rig
