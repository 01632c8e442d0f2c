/** A frame as the reader finds it, before it becomes an event. */
import type { FrameHeader } from './frame.ts';

const NOTHING = new Uint8Array(0);

/** A sound frame: its body lies at `from` to `end` of `frames`, the window's unless `owned`. */
export interface Raw extends FrameHeader {
  frames: Uint8Array;
  from: number;
  end: number;
  owned: boolean;
  offset: number;
  next: number;
}

export const newRaw = (): Raw => {
  const header = { kind: 'begin', type: 0, length: 0, number: 0 } as const;
  return { ...header, frames: NOTHING, from: 0, end: 0, owned: false, offset: 0, next: 0 };
};
