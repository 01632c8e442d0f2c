// Operations on attributes, extended ones too.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "client.h"
#include "sha256.h"
#include "words.h"

namespace fuse_rig {
namespace {

// Type, permissions, owner; size and links of what is no directory (file systems differ there).
std::string Shown(int result, const struct stat& st) {
  if (result != 0) return Result(result);
  char text[128];
  const bool directory = S_ISDIR(st.st_mode);
  snprintf(text, sizeof text, "%06o %u:%u", st.st_mode, st.st_uid, st.st_gid);
  if (directory) return text;
  return std::string(text) + " size " + std::to_string(st.st_size) + " links " +
         std::to_string(st.st_nlink);
}

std::string Stat(Client&, const Words& w) {
  struct stat st {};
  return Shown(stat(w[0].c_str(), &st), st);
}
std::string Lstat(Client&, const Words& w) {
  struct stat st {};
  return Shown(lstat(w[0].c_str(), &st), st);
}
std::string Fstat(Client& client, const Words& w) {
  struct stat st {};
  return Shown(fstat(client.Slot(w[0]), &st), st);
}

// statx PATH FLAGS MASK: FLAGS such as 0x2000 (FORCE_SYNC)
std::string Statx(Client&, const Words& w) {
  struct statx st {};
  const int flags = static_cast<int>(Number(w[1]));
  const int n = statx(AT_FDCWD, w[0].c_str(), flags, static_cast<unsigned>(Number(w[2])), &st);
  return n < 0 ? Result(n) : Hex(&st.stx_mode, 2) + " size " + std::to_string(st.stx_size);
}

// statfs PATH: only whether, and the longest name
std::string Statfs(Client&, const Words& w) {
  struct statvfs st {};
  const int n = statvfs(w[0].c_str(), &st);
  return n < 0 ? Result(n) : "names " + std::to_string(st.f_namemax);
}

// access PATH MODE: 4 read, 2 write, 1 execute, added
std::string Access(Client&, const Words& w) {
  return Result(access(w[0].c_str(), static_cast<int>(Number(w[1]))));
}
std::string Chmod(Client&, const Words& w) {
  return Result(chmod(w[0].c_str(), static_cast<mode_t>(Number(w[1]))));
}
// chown PATH UID GID
std::string Chown(Client&, const Words& w) {
  const auto uid = static_cast<uid_t>(Number(w[1]));
  return Result(lchown(w[0].c_str(), uid, static_cast<gid_t>(Number(w[2]))));
}
// utimens PATH SECONDS: sets both times, and says whether the modification time came to stay
std::string Utimens(Client&, const Words& w) {
  const timespec times[2] = {{Number(w[1]), 0}, {Number(w[1]), 0}};
  const int n = utimensat(AT_FDCWD, w[0].c_str(), times, AT_SYMLINK_NOFOLLOW);
  struct stat st {};
  if (n < 0 || lstat(w[0].c_str(), &st) < 0) return Result(-1);
  return st.st_mtim.tv_sec == times[0].tv_sec ? "0 kept" : "0 not kept";
}

// setxattr PATH NAME VALUE [1 create | 2 replace]; VALUE `*N` is N bytes
std::string Setxattr(Client&, const Words& w) {
  std::string value = w[2];
  if (value[0] == '*') value = std::string(static_cast<size_t>(Number(value.substr(1))), 'v');
  const int flags = static_cast<int>(NumberAt(w, 3, 0));
  return Result(lsetxattr(w[0].c_str(), w[1].c_str(), value.data(), value.size(), flags));
}
// getxattr PATH NAME [SIZE]: the value, long ones as a digest
std::string Getxattr(Client&, const Words& w) {
  char value[65536];
  const auto size = static_cast<size_t>(NumberAt(w, 2, sizeof value));
  const ssize_t n = lgetxattr(w[0].c_str(), w[1].c_str(), size == 0 ? nullptr : value, size);
  if (n < 0 || size == 0) return Result(n);
  if (n <= 64) return Result(n) + " " + Quoted(std::string(value, static_cast<size_t>(n)));
  Sha256 sha;
  sha.Add(value, static_cast<size_t>(n));
  return Result(n) + " " + sha.Short();
}
// listxattr PATH: sorted; security.* (labels of the machine) left out
std::string Listxattr(Client&, const Words& w) {
  char list[65536];
  const ssize_t n = llistxattr(w[0].c_str(), list, sizeof list);
  if (n < 0) return Result(n);
  std::vector<std::string> names;
  for (ssize_t at = 0; at < n; at += static_cast<ssize_t>(names.back().size()) + 1) {
    names.emplace_back(list + at);
  }
  std::sort(names.begin(), names.end());
  std::string out;
  for (const std::string& name : names) {
    if (name.rfind("security.", 0) != 0) out += " " + Quoted(name);
  }
  return out.empty() ? "none" : out.substr(1);
}
std::string Removexattr(Client&, const Words& w) {
  return Result(lremovexattr(w[0].c_str(), w[1].c_str()));
}

}  // namespace

const std::vector<Op> kAttributeOps = {
    {"stat", 1, Stat},           {"lstat", 1, Lstat},       {"fstat", 1, Fstat},
    {"statx", 3, Statx},         {"statfs", 1, Statfs},     {"access", 2, Access},
    {"chmod", 2, Chmod},         {"chown", 3, Chown},       {"utimens", 2, Utimens},
    {"setxattr", 3, Setxattr},   {"getxattr", 2, Getxattr}, {"listxattr", 1, Listxattr},
    {"removexattr", 2, Removexattr},
};

}  // namespace fuse_rig
