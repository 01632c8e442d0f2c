// Notifications: messages to the kernel that answer nothing. They are sent by a thread of their
// own, since the kernel may wait, inside the write, for locks whose holders wait for us (an
// INVAL_ENTRY for a directory in which a CREATE is in hand).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace fuse_rig {

class Channel;

struct Notification {
  Channel* channel;
  int32_t code;      // notify_code
  std::string body;  // after fuse_out_header
  std::string what;  // for the list of results
};

class Notifier {
 public:
  ~Notifier() { Stop(); }
  void Post(Notification one);
  // A line for each that was sent: "<what>: <errno name or ok>".
  std::string Results();
  // Sends what is queued and ends the thread. Somebody must still serve requests meanwhile.
  void Stop();

  template <class T>
  static std::string Bytes(const T& value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  }

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Notification> queue_;
  std::string results_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace fuse_rig
