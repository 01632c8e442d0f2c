/**
 * A signal to the client: an INTERRUPT for the request. The kernel sends none for a request of a ring whose
 * client was signalled before it was delivered: `early` is refused there.
 */
import type { ChangeFault } from './fault.ts';

export const interrupt: ChangeFault = {
  kind: 'change',
  name: 'interrupt',
  does: 'an INTERRUPT of the request comes',
  transports: ['device', 'ring'],
  moment: 'ask',
  fate: 'may-fail',
  words: [
    {
      word: 'early',
      does: 'before it was read (not on a ring)',
      possible: 'request_wait_answer(): FR_INTERRUPTED',
    },
    {
      word: 'late',
      does: 'when the server has it',
      possible: 'fuse_dev_queue_interrupt()',
      moment: 'delivered',
    },
    {
      word: 'twice',
      does: 'when it has it, and once more when the first was read',
      moment: 'delivered',
    },
  ],
};
