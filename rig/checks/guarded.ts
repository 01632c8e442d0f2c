/** A check that throws says nothing about the server: its finding is `unknown`, the others go on. */
import type { ReplayEvent } from '../events.ts';
import type { Check, Finding } from './finding.ts';

export class Guarded implements Check {
  readonly name: string;
  readonly kinds: readonly ReplayEvent['kind'][] | undefined;
  readonly #check: Check;
  #broken: Error | undefined;

  constructor(check: Check) {
    this.name = check.name;
    this.kinds = check.kinds;
    this.#check = check;
  }

  take(event: ReplayEvent): void {
    if (this.#broken !== undefined) return;
    try {
      this.#check.take(event);
    } catch (error) {
      this.#broken = error as Error;
    }
  }

  findings(): Finding[] {
    if (this.#broken === undefined) return this.#check.findings();
    const text = `the check itself failed: ${this.#broken.message}`;
    const details = ['this is a fault of fuse-rig, not of the server; please report it'];
    return [{ check: this.name, verdict: 'unknown', text, details }];
  }
}
