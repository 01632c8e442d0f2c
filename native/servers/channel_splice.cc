// Requests and replies by splice(2), through one pipe a thread. Sizes matter: the kernel takes the
// free space of the pipe for the length of the buffer (fuse_dev_splice_read).
#include <fcntl.h>
#include <sys/syscall.h>

#include <cerrno>

#include "channel.h"

namespace fuse_rig {
namespace {

struct Pipe {
  Fd out, in;  // read end, write end

  bool Open(size_t size) {
    if (out.ok()) return true;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return false;
    out = Fd(ends[0]);
    in = Fd(ends[1]);
    if (fcntl(in.get(), F_SETPIPE_SZ, static_cast<int>(size)) >= 0) return true;
    const int error = errno;  // EPERM: more than /proc/sys/fs/pipe-max-size allows
    Close();
    errno = error;
    return false;
  }
  void Close() {
    out.Reset();
    in.Reset();
  }
};

thread_local Pipe receive_pipe;
thread_local Pipe send_pipe;

}  // namespace

bool PipeAllowed(size_t size) {
  Pipe probe;
  return probe.Open(size);
}

long Channel::ReceiveSpliced(char* buffer, size_t size) {
  if (!receive_pipe.Open(pipe_size_)) return -errno;
  const long n = fuse_rig_interruptible(stop_, SYS_splice, fd_.get(), 0, receive_pipe.in.get(), 0,
                                        static_cast<long>(pipe_size_), 0);
  if (n <= 0) return n;
  if (static_cast<size_t>(n) > size) {
    receive_pipe.Close();
    return -E2BIG;
  }
  long got = 0;
  while (got < n) {
    const ssize_t part = read(receive_pipe.out.get(), buffer + got, static_cast<size_t>(n - got));
    if (part <= 0) return part < 0 ? -errno : -EIO;
    got += part;
  }
  return n;
}

int Channel::SendSpliced(const iovec* parts, int count, size_t total) {
  if (!send_pipe.Open(pipe_size_)) return errno;
  ssize_t n = writev(send_pipe.in.get(), parts, count);
  if (n == static_cast<ssize_t>(total)) {
    do {
      n = splice(send_pipe.out.get(), nullptr, fd_.get(), nullptr, total, 0);
    } while (n < 0 && errno == EINTR);
    if (n == static_cast<ssize_t>(total)) return 0;
  }
  const int error = n < 0 ? errno : EIO;
  send_pipe.Close();  // whatever is left in it belongs to the reply that failed
  return error;
}

}  // namespace fuse_rig
