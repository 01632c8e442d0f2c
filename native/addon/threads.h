// Threads of the server's process tree, as /proc shows them.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace fuse_rig {

struct Thread {
  pid_t pid = 0;
  pid_t tid = 0;
  std::string children;    // content of its `children` file
  std::string timeslices;  // schedstat field 3: how often it was scheduled in
  std::string wchan;
};

// The whole file; false: it is gone.
bool Slurp(const std::string& path, std::string* out);
std::string TaskPath(const Thread& t, const char* file);
// The newest pid of the system: somebody was born if it changes (fork is the one way in).
std::string LastPid();
// How often the thread was scheduled in; empty: it is gone.
std::string TimeslicesOf(const Thread& t);
// Its CPU time in ns (schedstat field 1); 0: it is gone.
double RuntimeOf(const Thread& t);
// The letter of its state (proc_pid_stat(5)), and its parent; 0: it is gone.
char StateOf(const Thread& t, pid_t* parent = nullptr);
// Threads of all the keeper's descendants that have not ended. False: somebody came or went meanwhile.
// `zombie`: a child of the keeper has ended, and it does not know yet.
bool CollectThreads(pid_t keeper, std::vector<Thread>* threads, bool* zombie = nullptr);

}  // namespace fuse_rig
