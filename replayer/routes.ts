/** Who takes which events of a run: most want few kinds, and nearly all events are of two. */
import type { ReplayEvent, ReplaySink } from '../rig/events.ts';

type Kind = ReplayEvent['kind'];
type Take = (event: ReplayEvent) => void;

export class Routes {
  readonly #all: { take: Take; kinds: readonly Kind[] | undefined }[] = [];
  /** Takers of a kind, in their order. Made when it is met first. */
  readonly #takers = new Map<Kind, readonly Take[]>();

  /** `take` comes behind all that were added before, with events of the `kinds` it wants; all, if none are named. */
  add(take: Take, kinds?: readonly Kind[]): void {
    this.#all.push({ take, kinds });
    this.#takers.clear();
  }

  readonly emit: ReplaySink = (event) => {
    const takers = this.#takers.get(event.kind) ?? this.#learn(event.kind);
    for (let i = 0; i < takers.length; i++) takers[i]?.(event);
  };

  #learn(kind: Kind): readonly Take[] {
    const wanted = this.#all.filter(({ kinds }) => kinds === undefined || kinds.includes(kind));
    const takers = wanted.map(({ take }) => take);
    this.#takers.set(kind, takers);
    return takers;
  }
}
