// Values of command-line options: a number, a word of a list, a list of words. What is wrong
// becomes one line that says what would be right.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace fuse_rig {

struct ValueParser {
  std::string* problem;

  bool Fail(const std::string& text) {
    *problem = text;
    return false;
  }

  template <class T>
  bool Number(const char* what, const char* text, uint64_t min, uint64_t max, T* to) {
    char* end = nullptr;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || *text == '-' || value < min || value > max) {
      return Fail(std::string("--") + what + " needs a number from " + std::to_string(min) +
                  " to " + std::to_string(max) + ", not \"" + text + "\"");
    }
    *to = static_cast<T>(value);
    return true;
  }

  template <class T>
  bool Choice(const char* what, const std::string& text, const std::map<std::string, T>& choices,
              T* to) {
    const auto found = choices.find(text);
    if (found != choices.end()) {
      *to = found->second;
      return true;
    }
    std::string names;
    for (const auto& [name, value] : choices) names += (names.empty() ? "" : ", ") + name;
    return Fail(std::string("--") + what + " is one of " + names + "; not \"" + text + "\"");
  }

  static std::vector<std::string> Split(const std::string& text) {
    std::vector<std::string> parts{""};
    for (const char c : text) {
      if (c == ',') {
        parts.emplace_back();
      } else {
        parts.back() += c;
      }
    }
    return parts;
  }
};

}  // namespace fuse_rig
