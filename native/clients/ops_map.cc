// Mapped memory. A fault in it (SIGBUS) ends the process that runs the operation, as it would any
// program: put it into a spawned block where that is expected.
#include <sys/mman.h>

#include <algorithm>
#include <map>

#include "client.h"
#include "content.h"
#include "sha256.h"
#include "words.h"

namespace fuse_rig {
namespace {

struct Mapping {
  char* at;
  size_t size;
};

std::map<std::string, Mapping>& Mappings() {
  static std::map<std::string, Mapping> mappings;
  return mappings;
}

const Flag kProtection[] = {{"READ", PROT_READ}, {"WRITE", PROT_WRITE}};
const Flag kKind[] = {{"SHARED", MAP_SHARED}, {"PRIVATE", MAP_PRIVATE}};

// mmap NAME SLOT READ|WRITE SHARED|PRIVATE SIZE [OFFSET]
std::string Mmap(Client& client, const Words& w) {
  const auto size = static_cast<size_t>(Number(w[4]));
  void* at = mmap(nullptr, size, static_cast<int>(Flags(kProtection, w[2])),
                  static_cast<int>(Flags(kKind, w[3])), client.Slot(w[1]), NumberAt(w, 5, 0));
  if (at == MAP_FAILED) return Result(-1);
  Mappings()[w[0]] = {static_cast<char*>(at), size};
  return "0";
}

// The part [offset, offset + size) of a mapping, cut to it.
Mapping Part(const Words& w, size_t offset_word) {
  const Mapping whole = Mappings()[w[0]];
  const auto offset = std::min<size_t>(static_cast<size_t>(NumberAt(w, offset_word, 0)), whole.size);
  const auto size = static_cast<size_t>(NumberAt(w, offset_word + 1, static_cast<int64_t>(whole.size)));
  return {whole.at + offset, std::min(size, whole.size - offset)};
}

// store NAME SEED OFFSET SIZE
std::string Store(Client&, const Words& w) {
  const Mapping part = Part(w, 2);
  Fill(part.at, part.size, static_cast<uint64_t>(Number(w[1])), static_cast<uint64_t>(Number(w[2])));
  return std::to_string(part.size);
}

// load NAME OFFSET SIZE: digest of what the mapping shows
std::string Load(Client&, const Words& w) {
  const Mapping part = Part(w, 1);
  Sha256 sha;
  sha.Add(part.at, part.size);
  return std::to_string(part.size) + " " + sha.Short();
}

// msync NAME
std::string Msync(Client&, const Words& w) {
  const Mapping whole = Mappings()[w[0]];
  return Result(msync(whole.at, whole.size, MS_SYNC));
}

std::string Munmap(Client&, const Words& w) {
  const Mapping whole = Mappings()[w[0]];
  Mappings().erase(w[0]);
  return Result(munmap(whole.at, whole.size));
}

}  // namespace

const std::vector<Op> kMapOps = {
    {"mmap", 5, Mmap}, {"store", 4, Store}, {"load", 3, Load}, {"msync", 1, Msync}, {"munmap", 1, Munmap},
};

}  // namespace fuse_rig
