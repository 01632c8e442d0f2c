// Any single look at a thread's state is wrong a good part of the time: it may be about to run, or
// about to sleep. Two passes over all threads with nothing changed between them (nobody was scheduled
// in, nobody was born) are a proof for the moment between the passes.
#include "quiet.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <string>
#include <vector>

#include "fd.h"

namespace fuse_rig {
namespace {

struct Thread {
  pid_t pid = 0;
  pid_t tid = 0;
  std::string children;    // content of its `children` file
  std::string timeslices;  // schedstat field 3: how often it was scheduled in
  std::string wchan;
};

bool Slurp(const std::string& path, std::string* out) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return false;
  char buffer[1024];
  out->clear();
  ssize_t n;
  while ((n = read(fd.get(), buffer, sizeof buffer)) > 0) out->append(buffer, static_cast<size_t>(n));
  return n == 0;
}

std::string TaskDir(pid_t pid) { return "/proc/" + std::to_string(pid) + "/task"; }
std::string TaskPath(const Thread& t, const char* file) {
  return TaskDir(t.pid) + "/" + std::to_string(t.tid) + "/" + file;
}

// The newest pid of the system: somebody was born if it changes (fork is the one way in).
std::string LastPid() {
  std::string text;
  if (!Slurp("/proc/loadavg", &text)) return "";
  size_t space = text.rfind(' ');
  return space == std::string::npos ? "" : text.substr(space);
}

// A zombie runs no more. By thread, not by process: a leader is one as soon as it has ended itself,
// while its other threads may still be on their way out with the descriptors open.
bool Ended(const Thread& t) {
  std::string stat;
  if (!Slurp(TaskPath(t, "stat"), &stat)) return false;
  size_t paren = stat.rfind(')');
  return paren != std::string::npos && (stat[paren + 2] == 'Z' || stat[paren + 2] == 'X');
}

// Threads of `pid` and of all its descendants; the keeper's own (the root) are not the server's.
bool Collect(pid_t pid, bool root, std::vector<Thread>* threads) {
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
    if (!root && !Ended(t)) threads->push_back(t);
    const char* at = t.children.c_str();
    char* end;
    for (pid_t child; (child = static_cast<pid_t>(strtol(at, &end, 10))) > 0; at = end) {
      if (!Collect(child, false, threads)) return false;
    }
  }
  return true;
}

bool Asleep(Thread* t, bool first) {
  std::string schedstat, wchan;
  if (!Slurp(TaskPath(*t, "schedstat"), &schedstat)) return false;
  size_t space = schedstat.rfind(' ');
  std::string slices = space == std::string::npos ? schedstat : schedstat.substr(space + 1);
  if (!Slurp(TaskPath(*t, "wchan"), &wchan) || wchan == "0" || wchan.empty()) return false;
  if (first) {
    t->timeslices = slices;
    t->wchan = wchan;
    return true;
  }
  return slices == t->timeslices;
}

Napi::Value Describe(Napi::Env env, const Thread& t) {
  Napi::Object o = Napi::Object::New(env);
  o.Set("pid", Napi::Number::New(env, t.pid));
  o.Set("tid", Napi::Number::New(env, t.tid));
  o.Set("wchan", t.wchan);
  std::string comm, call;
  Slurp(TaskPath(t, "comm"), &comm);
  if (!comm.empty()) comm.pop_back();
  o.Set("comm", comm);
  Slurp(TaskPath(t, "syscall"), &call);
  Napi::Array words = Napi::Array::New(env);
  uint32_t n = 0;
  for (char* p = strtok(call.data(), " \n"); p; p = strtok(nullptr, " \n")) words.Set(n++, p);
  o.Set("call", words);
  return o;
}

// lookQuiet(keeperPid): every thread of the server, if all of them slept at one moment; null if not.
// Each: {pid, tid, comm, wchan, call: the words of /proc/PID/task/TID/syscall}.
Napi::Value LookQuiet(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  pid_t keeper = info[0].ToNumber().Int32Value();
  std::string last = LastPid();
  std::vector<Thread> threads;
  if (!Collect(keeper, true, &threads)) return env.Null();
  for (Thread& t : threads) {
    if (!Asleep(&t, true)) return env.Null();
  }
  std::vector<Thread> again;
  if (!Collect(keeper, true, &again) || again.size() != threads.size()) return env.Null();
  for (size_t i = 0; i < again.size(); ++i) {
    if (again[i].tid != threads[i].tid || again[i].children != threads[i].children) return env.Null();
  }
  for (Thread& t : threads) {
    if (!Asleep(&t, false)) return env.Null();
  }
  if (LastPid() != last) return env.Null();
  Napi::Array out = Napi::Array::New(env);
  for (uint32_t i = 0; i < threads.size(); ++i) out.Set(i, Describe(env, threads[i]));
  return out;
}

// receiveTimeout(fd): SO_RCVTIMEO of a socket in ms, rounded up; 0 for none and for other files.
Napi::Value ReceiveTimeout(const Napi::CallbackInfo& info) {
  timeval limit{};
  socklen_t size = sizeof limit;
  if (getsockopt(info[0].ToNumber().Int32Value(), SOL_SOCKET, SO_RCVTIMEO, &limit, &size) != 0) return Napi::Number::New(info.Env(), 0);
  return Napi::Number::New(info.Env(), static_cast<double>(limit.tv_sec) * 1000 + (limit.tv_usec + 999) / 1000);
}

}  // namespace

void QuietInit(Napi::Env env, Napi::Object exports) {
  exports.Set("lookQuiet", Napi::Function::New(env, LookQuiet, "lookQuiet"));
  exports.Set("receiveTimeout", Napi::Function::New(env, ReceiveTimeout, "receiveTimeout"));
}

}  // namespace fuse_rig
