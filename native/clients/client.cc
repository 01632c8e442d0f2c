// Running the lines: spawned blocks, slots, output.
#include "client.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "words.h"

namespace fuse_rig {
namespace {

std::string Decoded(const std::string& word) {
  std::string out;
  for (size_t i = 0; i < word.size(); i++) {
    if (word[i] == '%' && i + 2 < word.size()) {
      out += static_cast<char>(std::strtol(word.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += word[i];
    }
  }
  return out;
}

Words Split(const std::string& line) {
  Words words;
  for (size_t at = 0; at < line.size();) {
    const size_t blank = std::min(line.find(' ', at), line.size());
    if (blank > at) words.push_back(Decoded(line.substr(at, blank - at)));
    at = blank + 1;
  }
  return words;
}

const Op* Find(const std::string& name) {
  for (const auto* list : {&kFileOps, &kSpaceOps, &kTreeOps, &kAttributeOps, &kLockOps, &kMapOps,
                           &kProcessOps, &kMeasureOps}) {
    for (const Op& op : *list) {
      if (name == op.name) return &op;
    }
  }
  return nullptr;
}

}  // namespace

void Client::Say(const std::string& line) const {
  const std::string text = line + "\n";
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = write(output_, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(3);
    at += static_cast<size_t>(n);
  }
}

int Client::Slot(const std::string& name) const {
  const auto found = slots_.find(name);
  return found == slots_.end() ? -1 : found->second;
}

std::string Client::Keep(const std::string& name, int fd) {
  if (fd < 0) return Result(fd);
  const auto before = slots_.find(name);
  if (before != slots_.end()) close(before->second);
  slots_[name] = fd;
  return "0";
}

std::string Client::Close(const std::string& name) {
  const std::string result = Result(close(Slot(name)));
  slots_.erase(name);
  return result;
}

// Returns the index of the block's `end`.
size_t Client::Spawn(const std::vector<std::string>& lines, size_t at, const std::string& name) {
  size_t end = at + 1;
  while (end < lines.size() && lines[end] != "end") end++;
  Child& child = children[name];
  child.output = memfd_create(name.c_str(), MFD_CLOEXEC);
  child.pid = fork();
  if (child.pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    output_ = child.output;
    children.clear();
    Run({lines.begin() + static_cast<long>(at) + 1, lines.begin() + static_cast<long>(end)});
    _exit(0);
  }
  return end;
}

void Client::Run(const std::vector<std::string>& lines) {
  for (size_t i = 0; i < lines.size(); i++) {
    if (lines[i].empty() || lines[i][0] == '#') continue;
    Words words = Split(lines[i]);
    if (words.empty()) continue;
    const std::string name = words[0];
    words.erase(words.begin());
    if (name == "spawn" && words.size() == 1) {
      i = Spawn(lines, i, words[0]);
      continue;
    }
    const Op* op = Find(name);
    if (op == nullptr || words.size() < op->words) {
      Say(lines[i] + " = not an operation: see native/clients");
      _exit(2);
    }
    errno = 0;
    Say(lines[i] + " = " + op->run(*this, words));
  }
}

}  // namespace fuse_rig
