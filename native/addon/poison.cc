#include "poison.h"

#include <string.h>

namespace fuse_rig {

void FillPoison(uint8_t* at, size_t n, uint32_t tag, size_t from) {
  for (size_t i = 0; i < n; i += 8) {
    const uint64_t word = PoisonWord(tag, (from + i) / 8);
    memcpy(at + i, &word, n - i < 8 ? n - i : 8);
  }
}

bool ChangedPoison(const uint8_t* at, size_t n, uint32_t tag, size_t from, size_t* first, size_t* last) {
  bool changed = false;
  for (size_t i = 0; i < n; i += 8) {
    const uint64_t word = PoisonWord(tag, (from + i) / 8);
    const size_t size = n - i < 8 ? n - i : 8;
    if (memcmp(at + i, &word, size) == 0) continue;
    const auto* want = reinterpret_cast<const uint8_t*>(&word);
    for (size_t j = 0; j < size; ++j) {
      if (at[i + j] == want[j]) continue;
      if (!changed) *first = i + j;
      *last = i + j;
      changed = true;
    }
  }
  return changed;
}

bool FindPoison(const uint8_t* bytes, size_t n, size_t from, FoundPoison* found) {
  // Little-endian: the mark lies in a word's last three bytes. Its last one is searched for.
  constexpr uint8_t kLast = kPoisonMark >> 16;
  for (size_t i = from + 7; i < n; ++i) {
    const auto* hit = static_cast<const uint8_t*>(memchr(bytes + i, kLast, n - i));
    if (!hit) return false;
    i = static_cast<size_t>(hit - bytes);
    const size_t start = i - 7;
    uint64_t word;
    memcpy(&word, bytes + start, 8);
    if (word >> 40 != kPoisonMark) continue;
    size_t words = 1;
    for (uint64_t next; start + words * 8 + 8 <= n; ++words) {
      memcpy(&next, bytes + start + words * 8, 8);
      if (next != word + words) break;
    }
    if (words < kPoisonWords) continue;
    *found = {start, words * 8, static_cast<uint32_t>(word >> 20) & (kPoisonTags - 1), (word & (kPoisonTags - 1)) * 8};
    return true;
  }
  return false;
}

}  // namespace fuse_rig
