// fuse-rig-workload DIR: what a person does to a file system, in one program. Prints one line a
// fact; nothing in them depends on which file system it was (no times, inode numbers, block
// counts), so the lines of a mount can be compared with those of a plain directory.
#pragma once

#include <string>

namespace fuse_rig {

// "<what> = <value>"
void Say(const std::string& what, long long value);
void Say(const std::string& what, const std::string& value);
// The result of a call: its value if it is >= 0, else the name of errno.
void SayResult(const std::string& what, long long result);
// FNV-1a, for contents.
std::string Digest(const std::string& bytes);
// Bytes that depend on `seed` and their place alone.
std::string Pattern(size_t size, unsigned seed);

// Each works in the current directory and leaves it empty.
void WorkOnFiles();             // files.cc
void WorkOnNames();             // names.cc
void WorkOnEntries(int count);  // names.cc
void WorkOnLocks();             // locks.cc
void WorkOnMemory();            // files.cc: mmap, deleted while open

}  // namespace fuse_rig
