/**
 * The commands of one io_uring_enter, carried out in their order. A handle in SYNC_INIT puts its
 * submitter to sleep until the mount: the rest of the batch, and the enter, wait with it.
 */
import { BLOCK } from '../kernel/kernel.ts';

export interface BatchCommand {
  /** Whose mount it may wait for. */
  handle: number;
  /** Answers BLOCK, or something else once it is done. */
  run(): number;
}

interface Waiting {
  commands: BatchCommand[];
  done(): void;
}

export class RingBatches {
  #waiting: Waiting[] = [];

  /** Carries out as many as there are, and calls `done` behind the last. */
  run(size: number, command: (n: number) => BatchCommand, done: () => void): void {
    for (let n = 0; n < size; n++) {
      const first = command(n);
      if (first.run() !== BLOCK) continue;
      const rest = Array.from({ length: size - n - 1 }, (_, i) => command(n + 1 + i));
      this.#waiting.push({ commands: [first, ...rest], done });
      return;
    }
    done();
  }

  /** False: it sleeps. */
  #goOn({ commands, done }: Waiting): boolean {
    for (;;) {
      const [command] = commands;
      if (command === undefined) break;
      if (command.run() === BLOCK) return false;
      commands.shift();
    }
    done();
    return true;
  }

  /** The Kernel says that the handle's state changed. */
  wake(handle: number): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter(
      (batch) => batch.commands[0]?.handle !== handle || !this.#goOn(batch),
    );
  }
}
