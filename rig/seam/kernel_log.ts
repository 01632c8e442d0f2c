/**
 * What the kernel's log says of a process that died of a fault: address and instruction
 * (show_signal_msg() of arch/x86/mm/fault.c, do_error_trap()). Read where /dev/kmsg may be; nothing
 * is left behind, unlike by a core file.
 */
import { constants, readSync } from 'node:fs';
import { native } from '../../native/load.ts';

const RECORD_MAX = 8192;
const SAID = /\[(\d+)\]:? ((?:segfault|trap|general protection) .*?)(?: likely on CPU.*)?$/;

export class KernelLog {
  readonly #fd: number;
  readonly #lines: string[] = [];

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** From now on; undefined where this user may not read it, or there is none. */
  static open(): KernelLog | undefined {
    const fd = native.openFile('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
    if (fd < 0) return undefined;
    const log = new KernelLog(fd);
    log.#read();
    log.#lines.length = 0;
    return log;
  }

  /** One read gives one record; EPIPE means that older ones were overwritten meanwhile. */
  #read(): void {
    const record = Buffer.alloc(RECORD_MAX);
    for (;;) {
      try {
        const n = readSync(this.#fd, record);
        this.#lines.push(record.toString('latin1', 0, n).split('\n')[0] ?? '');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EPIPE') return;
      }
    }
  }

  /** What is said of one of these threads: `segfault at 10 ip ... in prog[...]`. */
  of(tids: ReadonlySet<number>): string | undefined {
    this.#read();
    for (const line of this.#lines) {
      const said = SAID.exec(line);
      if (said !== null && tids.has(Number(said[1]))) return said[2];
    }
    return undefined;
  }

  close(): void {
    native.closeFd(this.#fd);
  }
}
