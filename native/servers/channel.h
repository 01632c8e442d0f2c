// One handle of the connection: an open /dev/fuse (or, without a mount, a socket that carries the
// same messages as datagrams). Receives whole requests, sends whole replies; any thread may send.
#pragma once

#include <sys/epoll.h>
#include <sys/uio.h>

#include <cstddef>
#include <mutex>

#include "fd.h"
#include "interruptible.h"
#include "options.h"
#include "reply_port.h"
#include "request.h"

namespace fuse_rig {

class Channel : public ReplyPort {
 public:
  // `stop` not 0 ends every wait in Receive. `pipe_size` bytes are what a spliced message needs.
  Channel(Fd fd, const Options& options, const StopFlag* stop, size_t pipe_size);

  // One request: its length in bytes, 0 at the end of a socket, or a negative errno; -EINTR when
  // stopped, -ECANCELED when SIGTERM came by the signalfd. Waits in poll or epoll first where the
  // handle is O_NONBLOCK.
  // With a `spill` what does not fit into the buffer lies there.
  long Receive(char* buffer, size_t size, const iovec& spill);

  // One message in the chosen way. 0 or a positive errno.
  int Send(const char* head, size_t head_size, const char* body, size_t body_size);
  int SendReply(const char* head, const char* body, size_t body_size) override {
    return Send(head, sizeof(fuse_out_header), body, body_size);
  }

  // The connection is gone (POLLERR): nothing is left to unmount.
  bool Dead() const;
  int fd() const { return fd_.get(); }

 private:
  long ReceiveOnce(char* buffer, size_t size, const iovec& spill);
  long ReceiveSpliced(char* buffer, size_t size);
  int SendSpliced(const iovec* parts, int count, size_t total);
  // Events of poll(2), or a negative errno.
  long WaitReadable();
  long EventsOf(const epoll_event* events, long count);

  Fd fd_;
  Fd epoll_;
  Fd signals_;        // SIGTERM, in the same epoll
  std::mutex turn_;   // of --io turns
  const Options& options_;
  const StopFlag* stop_;
  size_t pipe_size_;
};

// Takes a message apart. False if there is not even a unique to answer to: no kernel sends this.
// `spill` holds what lies behind the first `here` bytes.
bool ParseMessage(const char* bytes, size_t size, Incoming* out, size_t here = SIZE_MAX,
                  const char* spill = nullptr);

// Whether splicing can work with messages of this size (bytes). Asked before anything is mounted.
bool PipeAllowed(size_t size);

}  // namespace fuse_rig
