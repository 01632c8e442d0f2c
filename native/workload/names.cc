// Names: directories, links, renames, and a directory with many entries.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <vector>

#include "workload.h"

namespace fuse_rig {
namespace {

void Touch(const char* name) { close(open(name, O_WRONLY | O_CREAT, 0644)); }

void SayNlink(const char* name) {
  struct stat st{};
  if (lstat(name, &st) < 0) return SayResult(std::string("nlink of ") + name, -1);
  Say(std::string("nlink of ") + name,
      S_ISDIR(st.st_mode) ? -1 : static_cast<long long>(st.st_nlink));
}

// Sorted, without "." and "..".
std::vector<std::string> List(const char* name) {
  std::vector<std::string> names;
  DIR* dir = opendir(name);
  if (dir == nullptr) return names;
  while (const dirent* entry = readdir(dir)) names.emplace_back(entry->d_name);
  closedir(dir);
  names.erase(
      std::remove_if(names.begin(), names.end(), [](auto& n) { return n == "." || n == ".."; }),
      names.end());
  std::sort(names.begin(), names.end());
  return names;
}

int Rename2(const char* from, const char* to, unsigned flags) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

}  // namespace

void WorkOnNames() {
  SayResult("mkdir", mkdir("d", 0750));
  SayResult("mkdir again", mkdir("d", 0750));
  SayResult("mkdir below", mkdir("d/e", 0750));
  Touch("d/file");
  SayResult("link", link("d/file", "hard"));
  SayNlink("hard");
  SayResult("link of a directory", link("d", "hard2"));
  SayResult("symlink", symlink("d/file", "soft"));
  char target[64];
  const ssize_t n = readlink("soft", target, sizeof target);
  Say("readlink", std::string(target, static_cast<size_t>(std::max<ssize_t>(0, n))));
  SayResult("access by the link", access("soft", R_OK));
  SayResult("mknod of a pipe", mknod("pipe", S_IFIFO | 0600, 0));
  struct stat st{};
  lstat("pipe", &st);
  Say("is a pipe", S_ISFIFO(st.st_mode));

  SayResult("rename", rename("hard", "d/e/moved"));
  SayNlink("d/file");
  SayResult("rename over a directory", rename("d/file", "d/e"));
  SayResult("rename into itself", rename("d", "d/e/d"));
  SayResult("rename: NOREPLACE", Rename2("d/file", "soft", RENAME_NOREPLACE));
  SayResult("rename: EXCHANGE", Rename2("d/e", "soft", RENAME_EXCHANGE));
  lstat("soft", &st);
  Say("exchanged", S_ISDIR(st.st_mode));
  SayResult("rmdir of a full one", rmdir("soft"));
  SayResult("unlink of a directory", unlink("soft"));
  SayResult("rename onto a hard link of it", rename("soft/moved", "d/file"));
  SayResult("long name", mkdir(std::string(300, 'n').c_str(), 0700));
  for (const char* name : {"soft/moved", "d/file", "d/e", "pipe"})
    SayResult(std::string("unlink ") + name, unlink(name));
  SayResult("rmdir", rmdir("soft"));
  SayResult("rmdir", rmdir("d"));
  const int fd = open(".", O_TMPFILE | O_RDWR, 0600);
  SayResult("tmpfile: write", write(fd, "tmp", 3));
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  SayResult("tmpfile: link", linkat(AT_FDCWD, path.c_str(), AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  close(fd);
  SayNlink("named");
  SayResult("tmpfile: unlink", unlink("named"));
}

void WorkOnEntries(int count) {
  mkdir("many", 0755);
  for (int i = 0; i < count; ++i)
    Touch(("many/a longer name of entry " + std::to_string(i)).c_str());
  const std::vector<std::string> names = List("many");
  std::string joined;
  for (const std::string& name : names) joined += name + "\n";
  Say("entries: listed", static_cast<long long>(names.size()));
  Say("entries: different",
      static_cast<long long>(std::set<std::string>(names.begin(), names.end()).size()));
  Say("entries: names", Digest(joined));

  // From the middle: telldir and seekdir.
  DIR* dir = opendir("many");
  if (dir == nullptr) return SayResult("entries: opendir", -1);
  for (int i = 0; i < count / 2; ++i) readdir(dir);
  const long middle = telldir(dir);
  const dirent* entry = readdir(dir);
  const std::string first = entry != nullptr ? entry->d_name : "";
  while (readdir(dir) != nullptr) {
  }
  seekdir(dir, middle);
  entry = readdir(dir);
  Say("entries: seekdir comes back", entry != nullptr && first == entry->d_name);
  closedir(dir);

  int failed = 0;
  for (const std::string& name : names) {
    struct stat st{};
    failed += stat(("many/" + name).c_str(), &st) < 0;
    failed += unlink(("many/" + name).c_str()) < 0;
  }
  Say("entries: failures", failed);
  SayResult("entries: rmdir", rmdir("many"));
}

}  // namespace fuse_rig
