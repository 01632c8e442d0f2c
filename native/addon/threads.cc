#include "threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"

namespace fuse_rig {
namespace {

std::string TaskDir(pid_t pid) { return "/proc/" + std::to_string(pid) + "/task"; }

// A zombie runs no more. By thread, not by process: a leader is one as soon as it has ended itself,
// while its other threads may still be on their way out with the descriptors open.
bool Ended(char state) { return state == 'Z' || state == 'X'; }

// Threads of `pid` and of all its descendants; the keeper's own (the root) are not the server's.
bool Collect(pid_t pid, pid_t keeper, std::vector<Thread>* threads, bool* zombie) {
  std::string dir = TaskDir(pid);
  DIR* d = opendir(dir.c_str());
  if (!d) return false;
  std::vector<pid_t> tids;
  while (dirent* e = readdir(d)) {
    if (e->d_name[0] != '.') tids.push_back(atoi(e->d_name));
  }
  closedir(d);
  struct stat st;
  if (stat(dir.c_str(), &st) != 0 || st.st_nlink - 2 != tids.size()) return false;
  for (pid_t tid : tids) {
    Thread t;
    t.pid = pid;
    t.tid = tid;
    if (!Slurp(TaskPath(t, "children"), &t.children)) return false;
    if (pid != keeper) {
      pid_t parent = 0;
      bool ended = Ended(StateOf(t, &parent));
      if (!ended) threads->push_back(t);
      if (ended && tids.size() == 1 && parent == keeper && zombie) *zombie = true;
    }
    const char* at = t.children.c_str();
    char* end;
    for (pid_t child; (child = static_cast<pid_t>(strtol(at, &end, 10))) > 0; at = end) {
      if (!Collect(child, keeper, threads, zombie)) return false;
    }
  }
  return true;
}

}  // namespace

bool Slurp(const std::string& path, std::string* out) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return false;
  char buffer[1024];
  out->clear();
  ssize_t n;
  while ((n = read(fd.get(), buffer, sizeof buffer)) > 0) out->append(buffer, static_cast<size_t>(n));
  return n == 0;
}

std::string TaskPath(const Thread& t, const char* file) {
  return TaskDir(t.pid) + "/" + std::to_string(t.tid) + "/" + file;
}

std::string LastPid() {
  std::string text;
  if (!Slurp("/proc/loadavg", &text)) return "";
  size_t space = text.rfind(' ');
  return space == std::string::npos ? "" : text.substr(space);
}

std::string TimeslicesOf(const Thread& t) {
  std::string text;
  if (!Slurp(TaskPath(t, "schedstat"), &text)) return "";
  size_t space = text.rfind(' ');
  return space == std::string::npos ? text : text.substr(space + 1);
}

double RuntimeOf(const Thread& t) {
  std::string text;
  return Slurp(TaskPath(t, "schedstat"), &text) ? strtod(text.c_str(), nullptr) : 0;
}

char StateOf(const Thread& t, pid_t* parent) {
  std::string text;
  if (!Slurp(TaskPath(t, "stat"), &text)) return 0;
  size_t paren = text.rfind(')');
  if (paren == std::string::npos || paren + 4 >= text.size()) return 0;
  if (parent) *parent = atoi(text.c_str() + paren + 4);
  return text[paren + 2];
}

bool CollectThreads(pid_t keeper, std::vector<Thread>* threads, bool* zombie) {
  return Collect(keeper, keeper, threads, zombie);
}

}  // namespace fuse_rig
