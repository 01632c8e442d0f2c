/** A run of cases as TAP version 14, a test point a case. */
import type { RunEvent } from '../cases/run.ts';
import { detailLines, titleOf } from './corpus.ts';

/** Backslashes and number signs mean something in a description. */
const escaped = (text: string): string => text.replaceAll(/[\\#]/g, '\\$&').replaceAll('\n', ' ');

/** Lines of a TAP stream, one call an event. */
export function tapLines(): (event: RunEvent) => string[] {
  let number = 0;
  return (event) => {
    if (event.kind === 'begin') return ['TAP version 14', `1..${event.cases}`];
    if (event.kind === 'end') return event.counts.stopped > 0 ? ['Bail out! stopped'] : [];
    number++;
    const point = `${number} - ${escaped(titleOf(event))}`;
    if (event.status === 'pass') return [`ok ${point}`];
    if (event.status === 'skipped') {
      return [`ok ${point} # SKIP ${escaped(event.reasons.join('; '))}`];
    }
    // A YAML block; JSON strings are YAML.
    const yaml = detailLines(event).map((line) => `    - ${JSON.stringify(line)}`);
    return [
      `not ok ${point}`,
      '  ---',
      `  status: ${event.status}`,
      ...(event.exit === undefined ? [] : [`  exit: ${event.exit}`]),
      '  message:',
      ...yaml,
      '  ...',
    ];
  };
}
