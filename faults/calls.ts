/**
 * System calls of a server that faults are about, as x86-64 numbers (arch/x86/entry/syscalls/
 * syscall_64.tbl). They come to the rig only where a plan asks for them.
 */

/** Files by their path. */
export const OPENS = [
  2, // open
  85, // creat
  257, // openat
  437, // openat2
];
export const EVENTFDS = [
  284, // eventfd
  290, // eventfd2
];
/** Whatever gives a new descriptor; those of dup2(2) and of messages are not new numbers. */
export const DESCRIPTORS = [
  ...OPENS,
  ...EVENTFDS,
  22, // pipe
  32, // dup
  41, // socket
  43, // accept
  53, // socketpair
  72, // fcntl, where it is F_DUPFD or F_DUPFD_CLOEXEC
  213, // epoll_create
  253, // inotify_init
  282, // signalfd
  283, // timerfd_create
  288, // accept4
  289, // signalfd4
  291, // epoll_create1
  293, // pipe2
  294, // inotify_init1
  319, // memfd_create
  425, // io_uring_setup
  434, // pidfd_open
];
/** The same and what no rule is about by itself: every call that takes a number below RLIMIT_NOFILE. */
export const TAKES_DESCRIPTORS = [
  ...DESCRIPTORS,
  300, // fanotify_init
  304, // open_by_handle_at
  323, // userfaultfd
  428, // open_tree
  430, // fsopen
  432, // fsmount
  433, // fspick
  438, // pidfd_getfd
];
export const MMAP = 9;
/** What makes the address space larger. */
export const MAPS = [
  MMAP,
  12, // brk
  25, // mremap
];
/** What makes a mapping; brk(2) has one already, and tells nobody of an errno. */
export const MAKES_MAPPINGS = [
  MMAP,
  25, // mremap
];
export const MLOCKS = [
  149, // mlock
  151, // mlockall
  325, // mlock2
];
/** What locks memory, and mmap with MAP_LOCKED. */
export const LOCKS = [...MLOCKS, MMAP];
export const URING_REGISTER = 427;
/** Processes and threads. */
export const FORKS = [
  56, // clone
  57, // fork
  58, // vfork
  435, // clone3
];
/** What takes space in a file: the rig sees to it that the descriptor is a regular file's. */
export const FILE_WRITES = [
  1, // write
  18, // pwrite64
  20, // writev
  285, // fallocate
  296, // pwritev
  326, // copy_file_range
  328, // pwritev2
];
