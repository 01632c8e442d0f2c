/** A device that nothing is mounted of (KERNEL 1.2). */
import { call, clone, IOC, open, poll, read, section, write } from '../step.ts';

const HEADER = new Uint8Array(16);

// biome-ignore format: one row a probe
export const UNBOUND = section('1.2', [
  ['opens for reading and writing', [open('a', 'RDWR')], [0]],
  ['opens for reading', [open('a', 'RDONLY')], [0]],
  ['opens for writing', [open('a', 'WRONLY')], [0]],
  ['read', [open(), read()], ['EPERM']],
  ['read of nothing', [open(), read('a', 0)], ['EPERM']],
  ['read that may sleep', [open('a', 'RDWR'), read()], ['EPERM']],
  ['readv', [open(), call('readv', 'a', '40,9000')], ['EPERM']],
  ['write', [open(), write(HEADER)], ['EPERM']],
  ['write of less than a header', [open(), write(HEADER.subarray(1))], ['EPERM']],
  ['writev', [open(), call('writev', 'a', '00*16', '8,8')], ['EPERM']],
  ['poll', [open(), poll()], ['ERR']],
  ['O_ASYNC', [open(), call('fasync', 'a')], ['EPERM']],
  ['lseek', [open(), call('lseek', 'a')], ['ESPIPE']],
  ['mmap', [open(), call('mmap', 'a')], ['ENODEV']],
  ['an ioctl it does not have', [open(), call('ioctl', 'a', '0xe563', 'none')], ['ENOTTY']],
  ['an ioctl of another size', [open(), call('ioctl', 'a', '0x8008e500', '00*8')], ['ENOTTY']],
  ['BACKING_OPEN', [open(), call('ioctl', 'a', IOC.backingOpen, '00*16')], ['EPERM']],
  ['BACKING_OPEN with a bad pointer', [open(), call('ioctl', 'a', IOC.backingOpen, 'bad')], ['EPERM']],
  ['BACKING_CLOSE', [open(), call('ioctl', 'a', IOC.backingClose, '01000000')], ['EPERM']],
  ['CLONE of itself', [open(), clone('a')], ['EPERM']],
  ['CLONE of another one', [open(), open('b'), clone('b')], ['EPERM']],
  ['CLONE of what is no device', [open(), call('ioctl', 'a', IOC.clone, '00000000')], ['EINVAL']],
  ['CLONE of a closed descriptor', [open(), call('ioctl', 'a', IOC.clone, 'e7030000')], ['EINVAL']],
  ['CLONE with a bad pointer', [open(), call('ioctl', 'a', IOC.clone, 'bad')], ['EFAULT']],
  ['SYNC_INIT, and again', [open(), call('ioctl', 'a', IOC.syncInit, 'none'), call('ioctl', 'a', IOC.syncInit, 'none')], [0, 0]],
  ['fdinfo', [open(), call('fdinfo', 'a')], ['']],
]);
