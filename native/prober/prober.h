// fuse-rig-probe: does the steps of a probe, one at a time, and says what came of each. The same
// program runs in front of the real kernel and, under the seam, in front of the model.
//
// Input, one command a line, words as in native/clients; output, one JSON object a command:
//   begin real|model DIR   a process of its own for the probe, DIR its working directory
//   clients NAME...        processes that hold no device (real kernel only), before any open
//   do THREAD STEP WORD... a step by a thread of the server, which is made when first named; `exit` ends it
//   must THREAD STEP...    the same, waited for as by `until`: the kernel ends it from a worker of its own
//   client NAME OP WORD... an operation of native/clients by a client
//   signal NAME SIGNAL     to a thread or a client
//   look                   nothing; what has become of the others
//   until NAME COMMAND...  the command, and waiting, for 20 s at most, until that thread or client has ended
//   end                    aborts, closes and unmounts everything, and ends the process
// Answer: {"done": {NAME: RESULT...}, "asleep": {NAME: WCHAN...}}, once everything that was begun has ended or sleeps.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "words.h"

namespace fuse_rig {

using Words = std::vector<std::string>;

// A JSON object being written.
class Answer {
 public:
  Answer& Add(const std::string& key, int64_t value);
  Answer& Add(const std::string& key, const std::string& text);
  // Whole up to 4 KiB; of longer ones the first 256 and a digest of the rest.
  Answer& AddBytes(const std::string& key, const void* bytes, size_t size);
  Answer& AddRaw(const std::string& key, const std::string& json);
  std::string Json() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

// What a system call returned: "r", and "e" with the errno's name.
Answer Returned(int64_t result);

// The bytes that a word stands for: hexadecimal parts joined by `+`, `XX*N` repeated; `-` is none.
std::string Unhex(const std::string& word);

// What the steps of a probe work on.
class Objects {
 public:
  // The descriptor of a name; a number is itself; -1 if there is none.
  int Get(const std::string& name);
  Answer Keep(const std::string& name, int fd);
  Answer Close(const std::string& name);
  // `@NAME` in a text replaced by the number of the descriptor.
  std::string Filled(const std::string& text);
  // Connection of a device by its last binding (fdinfo), in decimal; empty if it never had one.
  std::string Connection(const std::string& name);
  // Learns the connections of all devices. They outlive the descriptors.
  void LearnConnections();
  // Whether the superblock of a connection is mounted in this namespace.
  static bool Mounted(const std::string& connection);
  // Aborts every connection that is mounted.
  void AbortAll();
  void CloseAll();

 private:
  std::mutex mutex_;
  std::map<std::string, int> fds_;
  std::map<std::string, std::string> connections_;
};

// One kind of step: how many words it takes after its name (at least), and the call.
struct Step {
  const char* name;
  size_t words;
  Answer (*run)(Objects& objects, const Words& words);
};

// The explicit lists, one a file.
extern const std::vector<Step> kDeviceSteps;
extern const std::vector<Step> kSpliceSteps;
extern const std::vector<Step> kMountSteps;
extern const std::vector<Step> kSuperblockSteps;
extern const std::vector<Step> kPositionSteps;
extern const std::vector<Step> kRingSteps;
extern const std::vector<Step> kProcessSteps;

Answer RunStep(Objects& objects, const Words& words);

// How a thread is: asleep at the same place without having run between looks is asleep for good, if it
// is where one waits for a server or for a client. Elsewhere (the kernel tears something down) it may
// only take its time.
struct Look {
  char state = '?';
  std::string slices;
  std::string wchan;
  bool Asleep() const { return state == 'S' || state == 'D'; }
  bool Waits() const;
  bool operator==(const Look& o) const { return state == o.state && slices == o.slices && wchan == o.wchan; }
};
Look LookAt(int pid, int tid);

// Somebody who does one thing at a time.
class Actor {
 public:
  virtual ~Actor() = default;
  virtual bool Busy() = 0;
  // The JSON of what has ended since the last time; false: nothing has.
  virtual bool Take(std::string* result) = 0;
  virtual Look See() = 0;
  virtual int Signal(int number) = 0;
  // Waits until nothing of one that has left is there in the kernel.
  virtual void Gone() {}
};

// A thread of the server.
class Worker : public Actor {
 public:
  Worker(Objects& objects, int wake);
  ~Worker() override;
  void Give(const Words& words);
  void Gone() override;
  bool Busy() override;
  bool Take(std::string* result) override;
  Look See() override;
  int Signal(int number) override;

 private:
  void Loop();

  Objects& objects_;
  int wake_;
  std::mutex mutex_;
  std::condition_variable given_;
  Words words_;
  std::string result_;
  bool busy_ = false, ended_ = false, done_ = false;
  std::atomic<bool> left_{false};
  std::atomic<int> tid_{0};
  std::thread thread_;
};

// A process that works on the mount. It holds no descriptor of the server's.
class ClientProcess : public Actor {
 public:
  ClientProcess();
  ~ClientProcess() override;
  void Give(const std::string& line);
  bool Busy() override { return busy_; }
  bool Take(std::string* result) override;
  Look See() override;
  int Signal(int number) override;
  int output() const { return output_; }

 private:
  int pid_ = -1, input_ = -1, output_ = -1;
  bool busy_ = false;
  std::string said_;
};

// One probe: commands until `end`. Returns the exit status.
int RunProbe(bool real, const std::string& dir);

// One command line from stdin; false at its end.
bool ReadLine(std::string* line);
Words SplitWords(const std::string& line);
void SayLine(const std::string& text);

}  // namespace fuse_rig
