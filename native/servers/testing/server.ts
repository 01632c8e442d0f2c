/**
 * The reference server on a socket instead of a device: tests send it requests and read what it
 * answers. Reading blocks, so the server runs under timeout(1): one that hangs is killed, and the
 * read then ends.
 */
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { native, nativePath } from '../../load.ts';
import { initRequest, OP, parseReply, type ReplyHead, request } from './wire.ts';

/** Another build of it, such as one with sanitizers, may be named. */
export const SERVER = process.env.FUSE_RIG_TEST_SERVER ?? nativePath('fuse-rig-server');
const LIFE_S = 25;
const FENCE = 0xfe0ce0000000000n;

export interface Exit {
  code: number | undefined;
  signal: string | undefined;
  stderr: string;
}

/**
 * The process that timeout(1) runs. Signals go to it directly: a timeout that has not yet come back
 * from its fork exits at a signal instead of passing it on.
 */
export function childOf(timeout: number | undefined): number {
  const children = readFileSync(`/proc/${timeout}/task/${timeout}/children`, 'utf8');
  const pid = Number(children.trim());
  if (!Number.isInteger(pid) || pid < 2) throw new Error(`timeout(1) runs "${children}"`);
  return pid;
}

export class SocketServer {
  readonly #fd: number;
  readonly #exit: Promise<Exit>;
  readonly #buffer = Buffer.alloc(1 << 21);
  #fences = 0n;
  readonly #timeout: number | undefined;

  constructor(options: readonly string[]) {
    const [ours, theirs] = native.socketPair();
    const argv = [
      '--foreground',
      '-s',
      'KILL',
      String(LIFE_S),
      SERVER,
      '--mount',
      'none',
      '--fd',
      '3',
      ...options,
    ];
    const child = execa('timeout', argv, {
      // execa takes descriptor numbers here, its types do not.
      stdio: ['ignore', 'pipe', 'pipe', theirs as unknown as 'inherit'],
      reject: false,
    });
    native.closeFd(theirs);
    this.#fd = ours;
    this.#timeout = child.pid;
    this.#exit = child.then(({ exitCode, signal, stderr }) => ({
      code: exitCode,
      signal,
      stderr: String(stderr),
    }));
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(childOf(this.#timeout), signal);
  }

  send(bytes: Uint8Array): void {
    const n = native.writeFd(this.#fd, bytes, bytes.length);
    if (n !== bytes.length) throw new Error(`sending ${bytes.length} bytes: ${n}`);
  }

  /** The next message; undefined when the server is gone. */
  receive(): ReplyHead | undefined {
    const n = native.readFd(this.#fd, this.#buffer, this.#buffer.length);
    return n > 0 ? parseReply(Buffer.from(this.#buffer.subarray(0, n))) : undefined;
  }

  /** Sends one request and gives the next message, which must be its answer. */
  ask(opcode: number, unique: bigint, nodeid: bigint, ...pieces: Parameters<typeof request>[3][]) {
    this.send(request(opcode, unique, nodeid, ...pieces));
    const reply = this.receive();
    if (reply?.unique !== unique) throw new Error(`no answer to ${opcode}: ${reply?.unique}`);
    return reply;
  }

  init(minor = 45): ReplyHead {
    this.send(initRequest(minor));
    return this.receive() ?? { unique: 0n, error: -1, body: Buffer.alloc(0) };
  }

  /** Everything that was sent before the answer to a request that follows here. One thread only. */
  settle(): ReplyHead[] {
    const unique = FENCE + this.#fences++;
    this.send(request(OP.STATFS, unique, 1n));
    const before: ReplyHead[] = [];
    for (let reply = this.receive(); ; reply = this.receive()) {
      if (reply === undefined) throw new Error('the server is gone');
      if (reply.unique === unique) return before;
      before.push(reply);
    }
  }

  /** Closes the socket, as an unmount would, and waits for the server. */
  async end(): Promise<Exit> {
    native.closeFd(this.#fd);
    return await this.#exit;
  }

  /** Waits for a server that ends by itself. */
  async exit(): Promise<Exit> {
    const exit = await this.#exit;
    native.closeFd(this.#fd);
    return exit;
  }
}
