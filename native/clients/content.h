// Contents: bytes that follow from a seed and their offset in the file, in aligned memory.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace fuse_rig {

// Aligned for O_DIRECT.
class Aligned {
 public:
  explicit Aligned(size_t size)
      : bytes_(static_cast<char*>(std::aligned_alloc(4096, (size / 4096 + 1) * 4096))) {}
  ~Aligned() { std::free(bytes_); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  char* get() const { return bytes_; }

 private:
  char* bytes_;
};

// The content at `offset` (splitmix64 of the word's number), so that a misplaced block shows.
inline void Fill(char* into, size_t size, uint64_t seed, uint64_t offset) {
  uint64_t word = 0;
  for (size_t i = 0; i < size; i++) {
    const uint64_t at = offset + i;
    if (i == 0 || at % 8 == 0) {
      word = seed * 0x9e3779b97f4a7c15 + at / 8;
      word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
      word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
      word ^= word >> 31;
    }
    into[i] = static_cast<char>(word >> (8 * (at % 8)));
  }
}

}  // namespace fuse_rig
