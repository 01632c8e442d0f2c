// Operations on a file's extent: sizes, holes, copies.
#include <fcntl.h>
#include <unistd.h>

#include "client.h"
#include "words.h"

namespace fuse_rig {
namespace {

// truncate PATH SIZE
std::string Truncate(Client&, const Words& w) { return Result(truncate(w[0].c_str(), Number(w[1]))); }

// ftruncate SLOT SIZE
std::string Ftruncate(Client& client, const Words& w) {
  return Result(ftruncate(client.Slot(w[0]), Number(w[1])));
}

const Flag kFallocate[] = {
    {"KEEP_SIZE", FALLOC_FL_KEEP_SIZE},     {"PUNCH_HOLE", FALLOC_FL_PUNCH_HOLE},
    {"ZERO_RANGE", FALLOC_FL_ZERO_RANGE},   {"COLLAPSE_RANGE", FALLOC_FL_COLLAPSE_RANGE},
    {"INSERT_RANGE", FALLOC_FL_INSERT_RANGE},
};

// fallocate SLOT MODE OFFSET SIZE
std::string Fallocate(Client& client, const Words& w) {
  const int mode = static_cast<int>(Flags(kFallocate, w[1]));
  return Result(fallocate(client.Slot(w[0]), mode, Number(w[2]), Number(w[3])));
}

const Flag kWhence[] = {
    {"SET", SEEK_SET}, {"CUR", SEEK_CUR}, {"END", SEEK_END}, {"DATA", SEEK_DATA}, {"HOLE", SEEK_HOLE}};

// lseek SLOT WHENCE OFFSET
std::string Lseek(Client& client, const Words& w) {
  return Result(lseek(client.Slot(w[0]), Number(w[2]), static_cast<int>(Flags(kWhence, w[1]))));
}

// copy_file_range IN OFFSET OUT OFFSET SIZE
std::string CopyFileRange(Client& client, const Words& w) {
  loff_t in = Number(w[1]);
  loff_t out = Number(w[3]);
  const int from = client.Slot(w[0]);
  const int to = client.Slot(w[2]);
  return Result(copy_file_range(from, &in, to, &out, static_cast<size_t>(Number(w[4])), 0));
}

}  // namespace

const std::vector<Op> kSpaceOps = {
    {"truncate", 2, Truncate}, {"ftruncate", 2, Ftruncate},
    {"fallocate", 4, Fallocate}, {"lseek", 3, Lseek}, {"copy_file_range", 5, CopyFileRange},
};

}  // namespace fuse_rig
