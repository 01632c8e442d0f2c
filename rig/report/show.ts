/** A capture for people (text) and for programs (JSON Lines), line by line, with flat memory. */
import type { SessionEvent } from '../events.ts';
import type { ShowOptions } from './show-filter.ts';
import { showJson } from './show-json.ts';
import { showText } from './show-text.ts';

export type { ShowOptions } from './show-filter.ts';

/** What can be shown: a CaptureReader, or anything else that has events. */
export interface Showable {
  events(): Iterable<SessionEvent>;
}

/** The lines of a capture, without their newlines. What `capture` throws comes through. */
export function showCapture(capture: Showable, options: ShowOptions = {}): Iterable<string> {
  return (options.json ? showJson : showText)(capture.events(), options);
}
