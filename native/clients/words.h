// Words to numbers, flags and bytes; results to words.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace fuse_rig {

// A number in C notation; `K` and `M` at its end multiply by 1024.
inline int64_t Number(const std::string& word) {
  char* end = nullptr;
  const int64_t value = std::strtoll(word.c_str(), &end, 0);
  if (*end == 'K') return value * 1024;
  if (*end == 'M') return value * 1024 * 1024;
  return value;
}

inline int64_t NumberAt(const std::vector<std::string>& words, size_t i, int64_t otherwise) {
  return i < words.size() ? Number(words[i]) : otherwise;
}

struct Flag {
  const char* name;
  uint64_t value;
};

// `A|B` by a table; a part that is no name is a number.
template <typename Table>
uint64_t Flags(const Table& table, const std::string& word) {
  uint64_t value = 0;
  for (size_t at = 0; at <= word.size();) {
    const size_t bar = std::min(word.find('|', at), word.size());
    const std::string part = word.substr(at, bar - at);
    const uint64_t before = value;
    bool known = false;
    for (const Flag& flag : table) {
      if (part != flag.name) continue;
      value |= flag.value;
      known = true;
    }
    if (!known) value = before | static_cast<uint64_t>(Number(part));
    at = bar + 1;
  }
  return value;
}

// "0" or another count as it is; errno's name below 0.
inline std::string Result(int64_t n) {
  if (n >= 0) return std::to_string(n);
  const char* name = strerrorname_np(errno);
  return name != nullptr ? name : "errno " + std::to_string(errno);
}

inline std::string Hex(const void* bytes, size_t size) {
  static const char digits[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < size; i++) {
    const unsigned char c = static_cast<const unsigned char*>(bytes)[i];
    out += digits[c >> 4];
    out += digits[c & 15];
  }
  return out;
}

// A word that can stand in a line: everything but printable ASCII, `%` and blanks as %XX.
inline std::string Quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c <= '~' && c != '%') {
      out += c;
    } else {
      out += "%" + Hex(&c, 1);
    }
  }
  return out;
}

}  // namespace fuse_rig
