/** What drives a session in front of the model: the driver of probes, fed with what the prober says. */
import type { Director } from '../../rig/session.ts';
import type { Driver } from './driver.ts';

export class ProbeDirector implements Director {
  #text = '';
  readonly #driver: Driver;
  readonly #react: () => void;

  constructor(driver: Driver, react: () => void) {
    this.#driver = driver;
    this.#react = react;
  }

  get done(): boolean {
    return this.#driver.finished;
  }

  output(bytes: Uint8Array): void {
    const lines = (this.#text + Buffer.from(bytes).toString()).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#driver.line(line);
  }

  pump(): void {
    this.#react();
  }
  idle(): void {
    this.#driver.quiet();
  }
  control(): void {}
}
