// Operations on names.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "client.h"
#include "sha256.h"
#include "words.h"

namespace fuse_rig {
namespace {

// mkdir PATH [MODE]
std::string Mkdir(Client&, const Words& w) {
  return Result(mkdir(w[0].c_str(), static_cast<mode_t>(NumberAt(w, 1, 0755))));
}
std::string Rmdir(Client&, const Words& w) { return Result(rmdir(w[0].c_str())); }
std::string Unlink(Client&, const Words& w) { return Result(unlink(w[0].c_str())); }
std::string Link(Client&, const Words& w) { return Result(link(w[0].c_str(), w[1].c_str())); }
std::string Symlink(Client&, const Words& w) { return Result(symlink(w[0].c_str(), w[1].c_str())); }

// linkat SLOT PATH: gives an O_TMPFILE file a name
std::string LinkFd(Client& client, const Words& w) {
  const std::string fd = "/proc/self/fd/" + std::to_string(client.Slot(w[0]));
  return Result(linkat(AT_FDCWD, fd.c_str(), AT_FDCWD, w[1].c_str(), AT_SYMLINK_FOLLOW));
}

std::string Readlink(Client&, const Words& w) {
  char target[4096];
  const ssize_t n = readlink(w[0].c_str(), target, sizeof target);
  return n < 0 ? Result(n) : Quoted(std::string(target, static_cast<size_t>(n)));
}

const Flag kRename[] = {{"NOREPLACE", 1}, {"EXCHANGE", 2}, {"WHITEOUT", 4}};

// rename OLD NEW [FLAGS]
std::string Rename(Client&, const Words& w) {
  if (w.size() < 3) return Result(rename(w[0].c_str(), w[1].c_str()));
  const auto flags = static_cast<unsigned>(Flags(kRename, w[2]));
  return Result(syscall(SYS_renameat2, AT_FDCWD, w[0].c_str(), AT_FDCWD, w[1].c_str(), flags));
}

// mknod PATH fifo|socket|file|char MODE
std::string Mknod(Client&, const Words& w) {
  const Flag types[] = {{"fifo", S_IFIFO}, {"socket", S_IFSOCK}, {"file", S_IFREG}, {"char", S_IFCHR}};
  const auto type = static_cast<mode_t>(Flags(types, w[1]));
  const dev_t dev = type == S_IFCHR ? 0x103 : 0;  // /dev/null
  return Result(mknod(w[0].c_str(), type | static_cast<mode_t>(Number(w[2])), dev));
}

char Letter(unsigned char type) {
  switch (type) {
    case DT_DIR: return 'd';
    case DT_REG: return 'f';
    case DT_LNK: return 'l';
    case DT_FIFO: return 'p';
    case DT_SOCK: return 's';
    case DT_CHR: return 'c';
    default: return '?';
  }
}

// The names of a directory, sorted, as TYPE:NAME; false with errno.
bool Names(const std::string& path, std::vector<std::string>* names) {
  DIR* dir = opendir(path.c_str());
  if (dir == nullptr) return false;
  errno = 0;
  while (const dirent* entry = readdir(dir)) {
    names->push_back(std::string(1, Letter(entry->d_type)) + ":" + Quoted(entry->d_name));
    errno = 0;
  }
  const int error = errno;
  closedir(dir);
  std::sort(names->begin(), names->end());
  errno = error;
  return error == 0;
}

// list PATH: how many entries (. and .. too where the server gives them) and their digest; the names
// themselves while they are few
std::string List(Client&, const Words& w) {
  std::vector<std::string> names;
  if (!Names(w[0], &names)) return Result(-1);
  std::string all;
  for (const std::string& name : names) all += " " + name;
  if (names.size() <= 12) return std::to_string(names.size()) + all;
  Sha256 sha;
  sha.Add(all.data(), all.size());
  return std::to_string(names.size()) + " " + sha.Short();
}

// Reads part of a directory and leaves it open: `list` must not be the only way to read one.
std::string PartOfDirectory(Client& client, const Words& w) {
  char buffer[4096];
  const auto size = std::min<size_t>(sizeof buffer, static_cast<size_t>(Number(w[1])));
  const long n = syscall(SYS_getdents64, client.Slot(w[0]), buffer, size);
  return n < 0 ? Result(n) : (n == 0 ? "end" : "some");
}

std::string Chdir(Client&, const Words& w) { return Result(chdir(w[0].c_str())); }

// many PREFIX COUNT: makes COUNT empty files PREFIX0, PREFIX1, ...; how many it made
std::string Many(Client&, const Words& w) {
  const int64_t count = Number(w[1]);
  for (int64_t i = 0; i < count; i++) {
    const int fd = open((w[0] + std::to_string(i)).c_str(), O_CREAT | O_EXCL | O_WRONLY, 0644);
    if (fd < 0) return Result(fd) + " after " + std::to_string(i);
    close(fd);
  }
  return Result(count);
}

}  // namespace

const std::vector<Op> kTreeOps = {
    {"mkdir", 1, Mkdir},     {"rmdir", 1, Rmdir},     {"unlink", 1, Unlink},
    {"link", 2, Link},       {"symlink", 2, Symlink}, {"linkfd", 2, LinkFd},
    {"readlink", 1, Readlink}, {"rename", 2, Rename}, {"mknod", 3, Mknod},
    {"list", 1, List},       {"getdents", 2, PartOfDirectory}, {"chdir", 1, Chdir},
    {"many", 2, Many},
};

}  // namespace fuse_rig
