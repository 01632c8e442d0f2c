#include "bugs.h"

namespace fuse_rig {
namespace {

struct Row {
  bug::Number number;
  const char* name;
  const char* what;
};

constexpr Row kRows[] = {
#define FUSE_RIG_BUG_ROW(number, name, what) {bug::number, name, what},
    FUSE_RIG_BUGS(FUSE_RIG_BUG_ROW)
#undef FUSE_RIG_BUG_ROW
};

}  // namespace

bug::Number FindBug(const std::string& name) {
  for (const Row& row : kRows) {
    if (name == row.name) return row.number;
  }
  return bug::kNone;
}

std::string ListBugs() {
  std::string list;
  for (const Row& row : kRows) list += std::string(row.name) + "\t" + row.what + "\n";
  return list;
}

}  // namespace fuse_rig
