// Any single look at a thread's state is wrong a good part of the time: it may be about to run, or
// about to sleep. Two passes over all threads with nothing changed between them (nobody was scheduled
// in, nobody was born) are a proof for the moment between the passes.
#include "quiet.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <string>
#include <vector>

#include "threads.h"

namespace fuse_rig {
namespace {

bool Asleep(Thread* t, bool first) {
  std::string slices = TimeslicesOf(*t), wchan;
  if (slices.empty() || !Slurp(TaskPath(*t, "wchan"), &wchan) || wchan == "0" || wchan.empty()) return false;
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
  if (!CollectThreads(keeper, &threads)) return env.Null();
  for (Thread& t : threads) {
    if (!Asleep(&t, true)) return env.Null();
  }
  std::vector<Thread> again;
  if (!CollectThreads(keeper, &again) || again.size() != threads.size()) return env.Null();
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
