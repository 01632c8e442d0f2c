/** A request that no kernel sends. The server must answer it all the same, if only with an error. */
import type { ChangeFault } from './fault.ts';

export const malformed: ChangeFault = {
  kind: 'change',
  name: 'malformed',
  does: 'the request is malformed',
  transports: ['device', 'ring'],
  moment: 'ask',
  fate: 'garbled',
  words: [
    { word: 'short', does: 'half of its body is missing' },
    { word: 'long', does: 'it has 64 bytes too many' },
    { word: 'opcode', does: 'an opcode that does not exist' },
    { word: 'nodeid', does: 'a node that was never looked up' },
  ],
};
