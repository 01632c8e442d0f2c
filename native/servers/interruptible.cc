// The labelled system call and the handler that looks where it struck (x86-64).
#include "interruptible.h"

#include <ucontext.h>

#include <cstdint>

extern "C" const char fuse_rig_interruptible_begin[];
extern "C" const char fuse_rig_interruptible_end[];
extern "C" const char fuse_rig_interruptible_leave[];

__asm__(R"(
.text
.global fuse_rig_interruptible
.type fuse_rig_interruptible,@function
fuse_rig_interruptible:
  .cfi_startproc
  mov %rdi, %r11
  mov %rsi, %rax
  mov %rdx, %rdi
  mov %rcx, %rsi
  mov %r8, %rdx
  mov %r9, %r10
  mov 8(%rsp), %r8
  mov 16(%rsp), %r9
.global fuse_rig_interruptible_begin
fuse_rig_interruptible_begin:
  cmpl $0, (%r11)
  jne fuse_rig_interruptible_leave
  syscall
.global fuse_rig_interruptible_end
fuse_rig_interruptible_end:
  ret
.global fuse_rig_interruptible_leave
fuse_rig_interruptible_leave:
  mov $-4, %rax
  ret
  .cfi_endproc
.size fuse_rig_interruptible, .-fuse_rig_interruptible
)");

namespace fuse_rig {
namespace {

void Wake(int, siginfo_t*, void* context) {
  auto* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto at = static_cast<uintptr_t>(registers[REG_RIP]);
  if (at >= reinterpret_cast<uintptr_t>(fuse_rig_interruptible_begin) &&
      at < reinterpret_cast<uintptr_t>(fuse_rig_interruptible_end)) {
    registers[REG_RIP] = reinterpret_cast<greg_t>(fuse_rig_interruptible_leave);
  }
}

}  // namespace

void InstallWakeHandler() {
  struct sigaction action{};
  action.sa_sigaction = Wake;
  action.sa_flags = SA_SIGINFO;  // not SA_RESTART: the call is to return
  sigemptyset(&action.sa_mask);
  sigaction(kWakeSignal, &action, nullptr);
}

}  // namespace fuse_rig
