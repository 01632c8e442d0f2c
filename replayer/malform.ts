/** Requests as no kernel sends them. */
import type { RequestSpec } from '../rig/kernel/feed.ts';
import { ERRNO } from '../rig/protocol/errno.ts';

const { EINVAL, EMSGSIZE } = ERRNO;

/** In no table of any server. */
const NO_OPCODE = 4000;
/** So many nodes nobody has looked up. */
const NO_NODE = 2 ** 40;
const MORE = 64;
/** What fits every entry of a ring. */
const RING_MAX = 4096;

/** Changes what is asked; 0, or the negative errno for which it cannot be had here. */
export function malform(spec: RequestSpec, how: string, transport: 'device' | 'ring'): number {
  const { body } = spec;
  if (how === 'opcode') spec.opcode = NO_OPCODE;
  else if (how === 'nodeid') spec.nodeid = NO_NODE;
  else if (how === 'short') {
    if (body.length === 0) return -EINVAL;
    spec.body = body.slice(0, body.length >> 1);
  } else {
    if (transport === 'ring' && body.length + MORE > RING_MAX) return -EMSGSIZE;
    const longer = new Uint8Array(body.length + MORE);
    longer.set(body);
    spec.body = longer;
  }
  return 0;
}
