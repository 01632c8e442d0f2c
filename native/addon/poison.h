// Poison: bytes that say whose they are. A word of 8 bytes holds a mark (24 bits), a tag that names the
// entry's period in the kernel's hands (20 bits), and the word's place in the buffer (20 bits: 8 MiB).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fuse_rig {

constexpr uint64_t kPoisonMark = 0xd5e1a7;  // no run of text, and no small number
constexpr uint32_t kPoisonTags = 1U << 20;
// Words of poison in a row before somebody else's bytes are called poison.
constexpr size_t kPoisonWords = 2;

inline uint64_t PoisonWord(uint32_t tag, size_t word) {
  return kPoisonMark << 40 | static_cast<uint64_t>(tag & (kPoisonTags - 1)) << 20 | (word & (kPoisonTags - 1));
}

// Fills `n` bytes that begin `from` bytes into the buffer (a multiple of 8).
void FillPoison(uint8_t* at, size_t n, uint32_t tag, size_t from);
// The first and, behind it, the last byte that is not as FillPoison left it; false if all are.
bool ChangedPoison(const uint8_t* at, size_t n, uint32_t tag, size_t from, size_t* first, size_t* last);

struct FoundPoison {
  size_t at, length;
  uint32_t tag;
  size_t offset;  // where in the buffer it was put
};
// The first run of poison at any byte of `bytes`, from `from` on.
bool FindPoison(const uint8_t* bytes, size_t n, size_t from, FoundPoison* found);

}  // namespace fuse_rig
