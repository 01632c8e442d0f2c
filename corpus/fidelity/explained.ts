/**
 * Where the model differs from the kernel and stays so: probe by probe, with the reason. A row whose
 * two sides agree is wrong, and said to be.
 */
export const EXPLAINED: Readonly<Record<string, string>> = {
  '4.1 DEFER_TASKRUN: nothing is delivered until the thread enters':
    'the seam fills an entry when its request comes, not when the thread next enters: a server that looks into memory it was not given yet sees that',
  '1.12b DESTROY: who unmounts is signalled':
    'a signal to the thread of an umount(2) that awaits DESTROY makes the kernel send INTERRUPT; the seam leaves it pending until the call is answered',
};

const FD =
  'Linux 7.3 looks at the descriptor when it is named, the model (as 6.18) when the superblock is made';

/** The same of what takes a minute (TIMEOUTS). */
export const EXPLAINED_TIMEOUTS: Readonly<Record<string, string>> = {
  '1.16 on the ring: its thread never enters':
    'the kernel aborts, and ends the request only when the thread of its entry enters; the seam has filled the entry already, as in 4.1 DEFER_TASKRUN',
};

/** The same for Linux 7.3, seen at 7.3.4. */
export const EXPLAINED_73: Readonly<Record<string, string>> = {
  ...EXPLAINED,
  '1.3 a closed descriptor': 'Linux 7.3 says EBADF, the model EINVAL as 6.18 does',
  '1.3c fd by FD': 'Linux 7.3 takes a descriptor itself, the model refuses it as 6.18 does',
  '1.3c fd of no device': FD,
  '1.3c fd of a closed descriptor': FD,
  '1.3c fd twice': FD,
  '1.10 INIT dies with the handle that has it':
    'in Linux 7.3 clients go on waiting, in the model they are refused, as in 6.18',
  '4.2 8: cmd_op 3':
    'FUSE_IO_URING_CMD_ADD_QUEUE of Linux 7.3, which makes a queue for buffer pools; the model has no such pools and does not offer them',
};

/** The same of whole servers: trials whose names fit, and the reason. */
export const EXPLAINED_SERVERS: readonly (readonly [names: RegExp, reason: string])[] = [];
