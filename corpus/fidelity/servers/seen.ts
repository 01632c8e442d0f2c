/**
 * What a server saw and did in a session, without what is another in every run: the same for its
 * session with the real kernel and for the one with the model, if the model is the kernel.
 */
import { CaptureReader } from '../../../recorder/capture/reader.ts';
import { keyOf } from '../../../rig/protocol/cursor.ts';
import { ERRNO, errnoName } from '../../../rig/protocol/errno.ts';
import { errorOf, opcodeOf, uniqueOf } from '../../../rig/protocol/header.ts';
import { notifyName } from '../../../rig/protocol/notify.ts';
import { opName } from '../../../rig/protocol/opcodes.ts';

export interface Session {
  /** Operation, errno of the reply and result of its write, and how often. */
  readonly replies: Readonly<Record<string, number>>;
  /**
   * How calls of an open of the device failed, in their order; each way once: the first thread that meets the
   * end may end the process before others do.
   */
  readonly calls: readonly string[];
  /** What commands of a ring ended with, each once. */
  readonly commands: readonly string[];
  /** Opens of the device that nobody had closed at the end; a ring holds its device for a moment longer. */
  readonly open: number;
  /** Exit code or signal of the server's own process. */
  readonly exit: string;
}

/** A queue that was empty, or a signal, is met as it happens. */
const CHANCE: ReadonlySet<number> = new Set([-ERRNO.EAGAIN, -ERRNO.EINTR]);
/** A replay asks for a directory on until it has what the capture had (replayer/directory.ts). */
const ASKED_ON = /^READDIR(PLUS)? ok ok$/;
/** A name that a notification says may be out of the kernel's cache by then, which a replay cannot know. */
const uncached = (result: number): number => (result === -ERRNO.ENOENT ? 0 : Math.min(result, 0));

const named = (result: number): string => (result < 0 ? errnoName(result) : 'ok');

export function sessionIn(path: string): Session {
  const names = new Map<unknown, string>();
  const replies: Record<string, number> = {};
  const calls = new Map<number, string[]>();
  const open = new Set<number>();
  const commands = new Set<string>();
  let exit = 'still there';
  for (const event of CaptureReader.open(path).events()) {
    if (event.kind === 'open') open.add(event.handle);
    else if (event.kind === 'close' || event.kind === 'register') open.delete(event.handle);
    else if (event.kind === 'request') {
      names.set(keyOf(uniqueOf(event.bytes)), opName(opcodeOf(event.bytes)));
    } else if (event.kind === 'reply' && event.bytes.length >= 16) {
      const unique = uniqueOf(event.bytes);
      const name =
        unique === 0n ? notifyName(errorOf(event.bytes)) : (names.get(keyOf(unique)) ?? 'nothing');
      const error = unique === 0n ? '' : ` ${named(errorOf(event.bytes))}`;
      const result = unique === 0n ? uncached(event.result) : event.result;
      const key = `${name}${error} ${named(result)}`;
      if (!ASKED_ON.test(key)) replies[key] = (replies[key] ?? 0) + 1;
    } else if (event.kind === 'transport' && !CHANCE.has(event.result)) {
      const all = calls.get(event.handle) ?? [];
      const call = `${event.call} ${named(event.result)}`;
      if (!all.includes(call)) calls.set(event.handle, [...all, call]);
    } else if (event.kind === 'completion') {
      commands.add(named(event.result));
    } else if (event.kind === 'exit' && event.main) {
      exit = event.signal === null ? `code ${event.code}` : `signal ${event.signal}`;
    }
  }
  const sorted = Object.fromEntries(Object.entries(replies).sort());
  const each = [...new Set([...calls.values()].map((all) => all.join(', ')))].sort();
  const ends = [...commands].sort();
  return { replies: sorted, calls: each, commands: ends, open: open.size, exit };
}
