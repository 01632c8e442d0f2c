/** What a client in front of the model sees of the mount it works on. */
import type { ModelKernel } from '../../rig/kernel/model.ts';
import type { Request } from '../../rig/protocol/message.ts';
import { has } from '../../rig/protocol/negotiated.ts';
import { OP } from '../../rig/protocol/opcodes.ts';
import type { OpenFile, View } from './operations/ask.ts';

const PAGE = 4096;

/** The node whose type a reply must keep: of LINK the one that is linked. */
export const subject = (request: Request): bigint =>
  request.name === 'LINK' ? (request.args.oldnodeid as bigint) : request.nodeid;

/** With ALLOW_IDMAP nobody is named but where something is made. */
export const NOBODY = 0xffffffff;
export const MAKES: ReadonlySet<string> = new Set([
  'MKNOD',
  'MKDIR',
  'SYMLINK',
  'CREATE',
  'TMPFILE',
]);

/** `opens`: files opened of each connection so far. */
export function viewOf(
  model: ModelKernel,
  conn: number,
  slots: Map<string, OpenFile>,
  opens: Map<number, number>,
): View {
  const negotiated = () => model.negotiated(conn);
  const pages = () => negotiated().maxPages * PAGE;
  return {
    slots,
    nextKh: () => {
      const kh = (opens.get(conn) ?? 0) + 1;
      opens.set(conn, kh);
      return BigInt(kh);
    },
    latched: (op) => model.latched(conn, OP[op].opcode),
    has: (flag) => has(negotiated(), flag),
    get block() {
      return model.mountOptions(conn).includes('blksize=');
    },
    get minor() {
      return negotiated().minor;
    },
    get nameMax() {
      return negotiated().nameMax;
    },
    get readMax() {
      const max = /max_read=(\d+)/.exec(model.mountOptions(conn))?.[1];
      return Math.min(pages(), Number(max ?? Number.POSITIVE_INFINITY));
    },
    get writeMax() {
      return Math.min(pages(), negotiated().maxWrite);
    },
  };
}
