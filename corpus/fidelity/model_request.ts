/** The request that a client in front of the model makes the kernel send. */
import type { RequestSpec } from '../../rig/kernel/feed.ts';
import type { ModelKernel } from '../../rig/kernel/model.ts';
import { encodeRequest } from '../../rig/protocol/build.ts';
import { IN_HEADER_SIZE } from '../../rig/protocol/constants.ts';
import { Request } from '../../rig/protocol/message.ts';
import { has } from '../../rig/protocol/negotiated.ts';
import { OP } from '../../rig/protocol/opcodes.ts';
import { MAKES, NOBODY } from './model_view.ts';
import type { Ask } from './operations/ask.ts';

/** Any pid: it is masked on both sides. */
const PID = 77;
/** Where the argument of an ioctl lies: the same. */
const ADDRESS = { arg: 0x7ff000000000n };
/** `cpu`: where the client runs. */
export function requestOf(
  model: ModelKernel,
  conn: number,
  ask: Ask,
  cpu: number,
): { message: Request; spec: RequestSpec } {
  const negotiated = model.negotiated(conn);
  const head = { unique: 0n, nodeid: ask.nodeid };
  const bytes = encodeRequest(OP[ask.op], head, { ...ask.args, ...ADDRESS }, negotiated);
  const message = new Request(bytes, negotiated);
  const { opcode, background, force } = message;
  const mapped = has(negotiated, 'ALLOW_IDMAP') && !MAKES.has(ask.op) && !background;
  const id = mapped ? NOBODY : 0;
  const spec = {
    opcode,
    nodeid: ask.nodeid,
    uid: id,
    gid: id,
    pid: background && !model.switches.backgroundNamesCaller ? 0 : PID,
    body: bytes.slice(IN_HEADER_SIZE),
    extlen: bytes[36] ?? 0,
    background,
    force,
    cpu,
  };
  return { message, spec };
}
