// placeholder until the memory file system is there
#pragma once
#include <memory>
#include "filesystem.h"
#include "options.h"
namespace fuse_rig {
inline std::unique_ptr<FileSystem> MakeMemory(const Options&) { return std::make_unique<FileSystem>(); }
}
