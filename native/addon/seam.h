// The supervised server: its trapped system calls one at a time, and what the rig answers.
//
// One thread of the rig calls Wait() in a loop. Calls that need no policy (an open of another path,
// an exec of another program) are let go natively; everything else is a *slot*: a held system call
// that is answered later by its slot number.
#pragma once

#include <linux/seccomp.h>
#include <napi.h>

#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "fd.h"
#include "placeholder.h"
#include "rings.h"
#include "target.h"
#include "threads.h"

namespace fuse_rig {

// What Wait() returned. The fields of an event lie in the shared header (seam_header.h).
enum EventKind : int {
  kTimeout = 0,
  kTrap = 1,        // slot, tid, nr, fd, size, filled, args
  kWatched = 2,     // size = the tag given to watch()
  kKeeper = 3,      // nr = keeper message type, tid = pid, size = status; text in data
  kControl = 4,     // somebody called wake()
  kKeeperGone = 5,
  kInterrupted = 6, // slot: a held call was answered because its thread has a signal
  kLinked = 7,      // size = FUSE commands whose linked predecessors are done, in the command buffer
  kSettled = 8,     // a turn may begin: every thread of the server is in a call that came, or sleeps
};

// What an entry of the epoll set is: the tag's high word. The low word: a watch's tag, or a slot.
enum Tag : uint64_t { kTagListener = 1, kTagKeeper, kTagWake, kTagWatched, kTagSlot, kTagMessages };
constexpr uint64_t MakeTag(Tag kind, uint32_t value) { return (kind << 32) | value; }

// 0 or -errno.
int EpollAdd(int epoll, int fd, uint32_t events, uint64_t tag);

struct Slot {
  bool used = false;
  bool socket_watched = false;
  double deadline = 0;  // recvmsg only: when SO_RCVTIMEO ends it (CLOCK_MONOTONIC, ns), or 0
  uint64_t id = 0;
  pid_t tid = 0;
  int nr = 0;
  uint64_t args[6] = {};
  std::vector<iovec> iov;
  Fd socket;  // recvmsg only: the server's socket, while we wait for a message
  bool shown = false;    // a turn's: the native check is done, it needs policy
  uint64_t order = 0;    // a turn's: its place among the calls that came with it
};

// CLOCK_MONOTONIC in nanoseconds.
double MonotonicNs();
// The epoll tag of a slot's socket.
uint64_t SlotTag(int slot);

class Seam : public Napi::ObjectWrap<Seam> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit Seam(const Napi::CallbackInfo& info);
  ~Seam() override;

 private:
  // Lifecycle and waiting.
  Napi::Value Wait(const Napi::CallbackInfo& info);
  Napi::Value Busy(const Napi::CallbackInfo& info);
  Napi::Value Watch(const Napi::CallbackInfo& info);
  Napi::Value WatchNext(const Napi::CallbackInfo& info);
  Napi::Value Unwatch(const Napi::CallbackInfo& info);
  Napi::Value KeeperSend(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  // Turns (seam_turn.cc).
  Napi::Value Turns(const Napi::CallbackInfo& info);
  Napi::Value Turn(const Napi::CallbackInfo& info);
  Napi::Value Settle(const Napi::CallbackInfo& info);
  Napi::Value AllowPath(const Napi::CallbackInfo& info);
  // Answers.
  Napi::Value Respond(const Napi::CallbackInfo& info);
  Napi::Value Continue(const Napi::CallbackInfo& info);
  Napi::Value Deliver(const Napi::CallbackInfo& info);
  Napi::Value DeliverPipe(const Napi::CallbackInfo& info);
  Napi::Value Arm(const Napi::CallbackInfo& info);
  Napi::Value Checked(const Napi::CallbackInfo& info);
  Napi::Value InstallFd(const Napi::CallbackInfo& info);
  Napi::Value InterruptSignalled(const Napi::CallbackInfo& info);
  Napi::Value InterruptReceives(const Napi::CallbackInfo& info);
  Napi::Value Waits(const Napi::CallbackInfo& info);
  // Placeholders.
  Napi::Value AddPlaceholder(const Napi::CallbackInfo& info);
  Napi::Value AliasFd(const Napi::CallbackInfo& info);
  Napi::Value SetReadable(const Napi::CallbackInfo& info);
  Napi::Value SetAlive(const Napi::CallbackInfo& info);
  Napi::Value SetDead(const Napi::CallbackInfo& info);
  Napi::Value Alive(const Napi::CallbackInfo& info);
  // The server's memory and descriptors.
  Napi::Value ReadMemory(const Napi::CallbackInfo& info);
  Napi::Value WriteMemory(const Napi::CallbackInfo& info);
  Napi::Value ReadString(const Napi::CallbackInfo& info);
  Napi::Value GetFd(const Napi::CallbackInfo& info);
  Napi::Value PipeRoom(const Napi::CallbackInfo& info);
  Napi::Value PipeTake(const Napi::CallbackInfo& info);

  // The server's rings.
  Napi::Value RingMake(const Napi::CallbackInfo& info);
  Napi::Value RingFiles(const Napi::CallbackInfo& info);
  Napi::Value RingPost(const Napi::CallbackInfo& info);
  Napi::Value RingDefers(const Napi::CallbackInfo& info);
  Napi::Value RingsOwn(const Napi::CallbackInfo& info);
  Napi::Value RingsAsked(const Napi::CallbackInfo& info);
  Napi::Value RingsGone(const Napi::CallbackInfo& info);
  Napi::Value ThreadLives(const Napi::CallbackInfo& info);

  bool DecideEnter(int slot);
  int DeviceIndex(int fd) const;
  int MessagesIn(int slot);
  int ShowCommands();
  int LinkedCommands();
  bool NextTrap();
  int ReceiveCall();
  void Gather();
  uint64_t OrderOf(const Slot& s) const;
  bool NextOfTurn();
  bool InCall(pid_t tid);
  bool Settled();
  bool RanOn();
  bool Rest();
  bool Due();
  int Poll(int timeout);
  bool Decide(int slot);  // true: policy is needed, the event header is filled
  bool NeedsPolicy(int slot);
  bool Show(int slot);
  bool DecidePath(int slot, uint64_t path_addr);
  bool DecideHandover(int slot);
  void Prefetch(int slot);
  int KeeperEvent();
  int TakeSlot();
  void FreeSlot(int slot);
  void UnwatchSocket(Slot* s);
  int Send(int slot, int64_t value, int error, uint32_t flags);
  bool Interrupt(int slot);
  int AddFd(int slot, int fd, int index, bool cloexec);
  Slot* Used(const Napi::CallbackInfo& info);
  Placeholder* PlaceholderOf(const Napi::CallbackInfo& info);
  int ServerEnd(int index, pid_t tid);

  Fd listener_, keeper_, wake_, epoll_;
  unsigned base_ = 0, count_ = 0;
  std::vector<Slot> slots_;
  std::vector<int> free_slots_;
  std::unordered_map<int, Placeholder> placeholders_;  // by index in the range
  std::unordered_map<int, Fd> server_ends_;            // our duplicate, dropped before Alive()
  std::unordered_set<int> armed_;                      // calls that a plan asks for
  std::vector<std::string> paths_;                     // opens below these need policy
  Descriptors descriptors_;
  Rings rings_;
  std::unordered_map<pid_t, int> message_fds_;  // the server's descriptor of our message ring, by process
  uint8_t* commands_ = nullptr;
  std::deque<uint64_t> ready_;  // epoll tags not yet looked at
  bool settling_ = false;
  pid_t in_turns_ = 0;          // the keeper, or 0: calls are taken as they come
  std::vector<int> gathered_;   // slots of the calls that came since the turn began
  std::deque<int> turn_;        // slots of the turn that were not looked at yet
  double gathering_since_ = 0;  // CLOCK_MONOTONIC, ns
  double ran_before_ = 0;       // CPU time of the threads when the first look found one running, ns
  double patience_ = 0;         // how much of it a turn waits for, ns
  std::vector<Thread> threads_;
  std::string last_pid_;        // when `threads_` was read
  uint8_t* data_ = nullptr;
  size_t data_size_ = 0;
  size_t max_commands_ = 0;
  uint8_t* header_ = nullptr;
  Napi::Reference<Napi::ArrayBuffer> data_ref_, header_ref_, commands_ref_;
  std::vector<uint8_t> notif_, resp_;
};

}  // namespace fuse_rig
