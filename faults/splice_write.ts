/**
 * splice(2) of a reply into the device ends with an error. The pipe is empty afterwards, as after every
 * error that the kernel finds while it copies.
 */
import type { ResultFault } from './fault.ts';

export const spliceWrite: ResultFault = {
  kind: 'result',
  name: 'splice-write',
  does: "the splice of the message's reply fails",
  transports: ['device'],
  moment: 'reply',
  splice: true,
  carries: true,
  errnos: [
    { errno: 'EIO', possible: 'fuse_copy_fill(): pipe_buf_confirm()', fate: 'lost' },
    { errno: 'ENOENT', fate: 'lost' },
    { errno: 'ENOMEM', fate: 'unsure' },
    { errno: 'EINTR', fate: 'unsure' },
    { errno: 'EAGAIN', fate: 'unsure' },
    { errno: 'ENODEV', fate: 'unsure' },
    { errno: 'ECONNABORTED', fate: 'unsure' },
  ],
};
