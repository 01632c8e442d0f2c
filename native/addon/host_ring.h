// An io_uring instance of the rig's own that carries FUSE commands to the real /dev/fuse, and pages of
// the rig's own for the kernel to put requests into. One thread makes, enters and closes a ring: the
// kernel delivers (task work) only while that thread is inside Enter().
#pragma once

#include <linux/io_uring.h>
#include <napi.h>

#include <cstddef>
#include <cstdint>

#include "fd.h"

namespace fuse_rig {

class HostRing : public Napi::ObjectWrap<HostRing> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit HostRing(const Napi::CallbackInfo& info);
  ~HostRing() override;

 private:
  Napi::Value Queue(const Napi::CallbackInfo& info);
  Napi::Value Enter(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  int Open();
  bool Idle() const;
  void Signal(bool on);
  uint32_t Reap();
  void Shut();

  Fd fd_, event_;
  io_uring_params params_{};
  uint8_t* ring_ = nullptr;
  size_t ring_size_ = 0;
  uint8_t* sqes_ = nullptr;
  size_t sqes_size_ = 0;
  uint32_t tail_ = 0;       // of the submission queue, as queued here
  uint32_t submitted_ = 0;  // the same, as far as the kernel took it
  int32_t* results_ = nullptr;
  Napi::Reference<Napi::ArrayBuffer> results_ref_;
};

// Page-aligned memory that costs nothing until it is touched, freed when it is told to.
class HostPages : public Napi::ObjectWrap<HostPages> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit HostPages(const Napi::CallbackInfo& info);
  ~HostPages() override;

 private:
  Napi::Value Free(const Napi::CallbackInfo& info);

  void* at_ = nullptr;
  size_t size_ = 0;
  Napi::Reference<Napi::ArrayBuffer> bytes_ref_;
};

}  // namespace fuse_rig
