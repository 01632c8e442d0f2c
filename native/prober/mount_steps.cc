// Steps that mount and unmount, by mount(2) and by file system contexts.
#include <linux/loop.h>
#include <linux/mount.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <unistd.h>

#include "fd.h"
#include "prober.h"

namespace fuse_rig {
namespace {

const Flag kMountFlags[] = {{"NOSUID", 2}, {"NODEV", 4}, {"REMOUNT", 32}, {"MANDLOCK", 64}};
const Flag kUmountFlags[] = {{"FORCE", 1}, {"DETACH", 2}, {"EXPIRE", 4}, {"NOFOLLOW", 8}};

const char* OrNull(const std::string& word) { return word == "-" ? nullptr : word.c_str(); }

// mount SOURCE TARGET TYPE FLAGS OPTIONS: `@NAME` in SOURCE and OPTIONS is a descriptor's number, `-` nothing
Answer Mount(Objects& o, const Words& w) {
  const std::string options = w[4] == "-" ? "" : o.Filled(w[4]);
  const std::string source = o.Filled(w[0]);
  const int n = mount(OrNull(source), w[1].c_str(), w[2].c_str(), Flags(kMountFlags, w[3]), options.c_str());
  const Answer answer = Returned(n);
  o.LearnConnections();
  return answer;
}

// loop NAME: a loop device of 1 MiB, which is there until it is closed and unmounted
Answer Loop(Objects& o, const Words& w) {
  const Fd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  const Fd file(open("img", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!control.ok() || !file.ok() || ftruncate(file.get(), 1 << 20) != 0) return Returned(-1);
  for (;;) {
    const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    Fd fd(open(("/dev/loop" + std::to_string(number)).c_str(), O_RDWR | O_CLOEXEC));
    loop_config config{};
    config.fd = static_cast<uint32_t>(file.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (fd.ok() && ioctl(fd.get(), LOOP_CONFIGURE, &config) == 0) return o.Keep(w[0], fd.Release());
    // Somebody else may have been quicker.
    if (number < 0 || errno != EBUSY) return Returned(-1);
  }
}

// umount TARGET FLAGS
Answer Umount(Objects&, const Words& w) {
  return Returned(umount2(w[0].c_str(), static_cast<int>(Flags(kUmountFlags, w[1]))));
}

// fsopen CONTEXT TYPE
Answer Fsopen(Objects& o, const Words& w) {
  return o.Keep(w[0], static_cast<int>(syscall(SYS_fsopen, w[1].c_str(), FSOPEN_CLOEXEC)));
}

const Flag kCommands[] = {{"FLAG", 0}, {"STRING", 1}, {"BINARY", 2}, {"PATH", 3}, {"FD", 5},
                          {"CREATE", 6}, {"RECONFIGURE", 7}, {"CREATE_EXCL", 8}};
constexpr unsigned kSetFd = 5;

// fsconfig CONTEXT COMMAND KEY VALUE: `@NAME` in VALUE as in mount; for FD it is the descriptor itself
Answer Fsconfig(Objects& o, const Words& w) {
  const auto command = static_cast<unsigned>(Flags(kCommands, w[1]));
  const std::string value = o.Filled(w[3]);
  const int aux = command == kSetFd ? atoi(value.c_str()) : 0;
  const char* text = command == kSetFd ? nullptr : OrNull(value);
  const long n = syscall(SYS_fsconfig, o.Get(w[0]), command, OrNull(w[2]), text, aux);
  const Answer answer = Returned(n);
  o.LearnConnections();
  return answer;
}

// fsmount MOUNT CONTEXT
Answer Fsmount(Objects& o, const Words& w) {
  return o.Keep(w[0], static_cast<int>(syscall(SYS_fsmount, o.Get(w[1]), FSMOUNT_CLOEXEC, 0)));
}

// movemount MOUNT TARGET
Answer MoveMount(Objects& o, const Words& w) {
  const auto flags = MOVE_MOUNT_F_EMPTY_PATH;
  return Returned(syscall(SYS_move_mount, o.Get(w[0]), "", AT_FDCWD, w[1].c_str(), flags));
}

}  // namespace

const std::vector<Step> kMountSteps = {
    {"mount", 5, Mount},       {"umount", 2, Umount},   {"fsopen", 2, Fsopen},
    {"fsconfig", 4, Fsconfig}, {"fsmount", 2, Fsmount}, {"movemount", 2, MoveMount},
    {"loop", 1, Loop},
};

}  // namespace fuse_rig
