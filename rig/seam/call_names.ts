/** Names of the system calls in which threads sleep, for people. */

/** x86-64 (arch/x86/entry/syscalls/syscall_64.tbl). */
const NAMES: Readonly<Record<number, string>> = {
  0: 'read',
  1: 'write',
  3: 'close',
  4: 'stat',
  7: 'poll',
  16: 'ioctl',
  17: 'pread64',
  18: 'pwrite64',
  19: 'readv',
  20: 'writev',
  22: 'pipe',
  23: 'select',
  34: 'pause',
  35: 'nanosleep',
  40: 'sendfile',
  42: 'connect',
  43: 'accept',
  44: 'sendto',
  45: 'recvfrom',
  46: 'sendmsg',
  47: 'recvmsg',
  56: 'clone',
  58: 'vfork',
  59: 'execve',
  61: 'wait4',
  72: 'fcntl',
  73: 'flock',
  74: 'fsync',
  75: 'fdatasync',
  127: 'rt_sigpending',
  128: 'rt_sigtimedwait',
  130: 'rt_sigsuspend',
  162: 'sync',
  165: 'mount',
  166: 'umount2',
  202: 'futex',
  219: 'restart_syscall',
  230: 'clock_nanosleep',
  231: 'exit_group',
  232: 'epoll_wait',
  247: 'waitid',
  257: 'openat',
  262: 'newfstatat',
  270: 'pselect6',
  271: 'ppoll',
  275: 'splice',
  278: 'vmsplice',
  281: 'epoll_pwait',
  288: 'accept4',
  295: 'preadv',
  296: 'pwritev',
  299: 'recvmmsg',
  306: 'syncfs',
  426: 'io_uring_enter',
  427: 'io_uring_register',
  435: 'clone3',
  441: 'epoll_pwait2',
  449: 'futex_waitv',
};

export const callName = (nr: number): string => NAMES[nr] ?? `system call ${nr}`;

/** Calls whose first argument is the descriptor they wait for. */
export const BY_DESCRIPTOR: ReadonlySet<string> = new Set(
  (
    'read write ioctl pread64 pwrite64 readv writev connect accept sendto recvfrom sendmsg recvmsg ' +
    'fcntl flock fsync fdatasync epoll_wait splice vmsplice epoll_pwait accept4 preadv pwritev ' +
    'recvmmsg syncfs io_uring_enter io_uring_register epoll_pwait2'
  ).split(' '),
);
