// A client of a mount: carries out a list of raw system calls and says what each returned.
//
// Input, one operation a line: NAME WORD...; `%XX` in a word is a byte; empty lines and `# ...` are
// skipped. Output, one line an operation: the line as read, ` = `, and the result: an errno's name,
// or what is the same in every run (never an inode number, time or address). Descriptors live in
// named slots.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fuse_rig {

using Words = std::vector<std::string>;

struct Child {
  int pid = -1;
  int output = -1;  // memfd its lines go to
};

class Client {
 public:
  explicit Client(int output) : output_(output) {}

  // Runs the lines in order. Blocks `spawn NAME` ... `end` run in a process of their own.
  void Run(const std::vector<std::string>& lines);

  // Descriptor of a slot, or -1 (the operation then answers EBADF, as the kernel would).
  int Slot(const std::string& name) const;
  // Puts `fd` into a slot, closing what was there. Returns "0", or errno's name for a negative fd.
  std::string Keep(const std::string& name, int fd);
  std::string Close(const std::string& name);

  std::map<std::string, Child> children;

  // Appends one line to the output.
  void Say(const std::string& line) const;

 private:
  size_t Spawn(const std::vector<std::string>& lines, size_t at, const std::string& name);

  std::map<std::string, int> slots_;
  int output_;
};

// The calling thread runs on that CPU only.
bool PinTo(int cpu);

// One operation: how many words it takes after its name (at least), and the call.
struct Op {
  const char* name;
  size_t words;
  std::string (*run)(Client& client, const Words& words);
};

// The explicit lists, one a file of operations.
extern const std::vector<Op> kFileOps;
extern const std::vector<Op> kSpaceOps;
extern const std::vector<Op> kTreeOps;
extern const std::vector<Op> kAttributeOps;
extern const std::vector<Op> kLockOps;
extern const std::vector<Op> kMapOps;
extern const std::vector<Op> kProcessOps;
extern const std::vector<Op> kMeasureOps;

}  // namespace fuse_rig
