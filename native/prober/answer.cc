// JSON, words and lines.
#include <unistd.h>

#include "prober.h"

namespace fuse_rig {
namespace {

constexpr size_t kWhole = 4096;
constexpr size_t kHead = 256;

std::string Escaped(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += "\\u00" + Hex(&c, 1);
    }
  }
  return out + "\"";
}

}  // namespace

Answer& Answer::AddRaw(const std::string& key, const std::string& json) {
  members_ += (members_.empty() ? "" : ",") + Escaped(key) + ":" + json;
  return *this;
}
Answer& Answer::Add(const std::string& key, int64_t value) { return AddRaw(key, std::to_string(value)); }
Answer& Answer::Add(const std::string& key, const std::string& text) { return AddRaw(key, Escaped(text)); }

Answer& Answer::AddBytes(const std::string& key, const void* bytes, size_t size) {
  if (size <= kWhole) return Add(key, Hex(bytes, size));
  uint64_t digest = 0xcbf29ce484222325;  // FNV-1a
  for (size_t i = kHead; i < size; i++) digest = (digest ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001b3;
  return Add(key, Hex(bytes, kHead)).Add("digest", Hex(&digest, sizeof digest));
}

Answer Returned(int64_t result) {
  Answer answer;
  if (result >= 0) return answer.Add("r", result);
  return answer.Add("r", -1).Add("e", Result(-1));
}

std::string Unhex(const std::string& word) {
  std::string out;
  for (size_t from = 0; from < word.size();) {
    const size_t plus = std::min(word.find('+', from), word.size());
    const std::string part = word.substr(from, plus - from);
    const size_t star = std::min(part.find('*'), part.size());
    const int64_t times = star < part.size() ? Number(part.substr(star + 1)) : 1;
    std::string bytes;
    for (size_t i = 0; i + 1 < star; i += 2) {
      bytes += static_cast<char>(std::strtol(part.substr(i, 2).c_str(), nullptr, 16));
    }
    for (int64_t i = 0; i < times; i++) out += bytes;
    from = plus + 1;
  }
  return out;
}

bool ReadLine(std::string* line) {
  line->clear();
  for (char c;;) {
    const ssize_t n = read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    if (c == '\n') return true;
    *line += c;
  }
}

Words SplitWords(const std::string& line) {
  Words words;
  for (size_t at = 0; at < line.size();) {
    const size_t blank = std::min(line.find(' ', at), line.size());
    std::string word = line.substr(at, blank - at);
    for (size_t i = word.find('%'); i != std::string::npos && i + 2 < word.size(); i = word.find('%', i + 1)) {
      word.replace(i, 3, 1, static_cast<char>(std::strtol(word.substr(i + 1, 2).c_str(), nullptr, 16)));
    }
    if (!word.empty()) words.push_back(word);
    at = blank + 1;
  }
  return words;
}

void SayLine(const std::string& text) {
  const std::string line = text + "\n";
  for (size_t at = 0; at < line.size();) {
    const ssize_t n = write(STDOUT_FILENO, line.data() + at, line.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(3);
    at += static_cast<size_t>(n);
  }
}

}  // namespace fuse_rig
