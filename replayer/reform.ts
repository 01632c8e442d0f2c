/**
 * A captured request in the form this run's server negotiated: structures shorter or longer by the
 * minor or by SETXATTR_EXT, extensions only where they were agreed (fuse_adjust_compat(),
 * get_security_context()).
 */
import { encodeRequest } from '../rig/protocol/build.ts';
import { encodeExtensions } from '../rig/protocol/extensions.ts';
import { Request } from '../rig/protocol/message.ts';
import { has, type Negotiated } from '../rig/protocol/negotiated.ts';
import type { OpSpec } from '../rig/protocol/op-spec.ts';
import { type Args, structSize } from '../rig/protocol/parts.ts';

const carriesExtensions = (op: OpSpec): boolean => op.request.some((p) => p.part === 'ext');

/** Whether an operation's request looks different to two servers. */
function differs(op: OpSpec, captured: Negotiated, run: Negotiated): boolean {
  for (const part of op.request) {
    if (part.part !== 'struct' || part.compat === undefined) continue;
    if (structSize(part, captured) !== structSize(part, run)) return true;
  }
  if (!carriesExtensions(op)) return false;
  return (
    has(captured, 'SECURITY_CTX') !== has(run, 'SECURITY_CTX') ||
    has(captured, 'CREATE_SUPP_GROUP') !== has(run, 'CREATE_SUPP_GROUP')
  );
}

/** The extensions this run's kernel would send: without labels an empty security context, or none. */
function extensions(run: Negotiated): Uint8Array {
  return has(run, 'SECURITY_CTX')
    ? encodeExtensions([{ kind: 'secctx', contexts: [] }])
    : new Uint8Array(0);
}

/** `bytes` hold the request in its captured form, ids already exchanged. */
export function reform(bytes: Uint8Array, captured: Negotiated, run: Negotiated): Request {
  const request = new Request(bytes, captured);
  const { op, unique, nodeid, uid, gid, pid } = request;
  if (op === undefined || captured === run || !differs(op, captured, run)) {
    return new Request(bytes, run);
  }
  const args: Args = carriesExtensions(op)
    ? { ...request.args, ext: extensions(run) }
    : request.args;
  return new Request(encodeRequest(op, { unique, nodeid, uid, gid, pid }, args, run), run);
}
