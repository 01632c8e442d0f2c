/** One line that is rewritten in place, on a terminal only. */

export interface ProgressLine {
  show(text: string): void;
  clear(): void;
  /** A message that stays. */
  say(text: string): void;
}

export function progressLine(stream: NodeJS.WriteStream, wanted: boolean): ProgressLine {
  const live = wanted && stream.isTTY === true;
  let shown = false;
  const clear = () => {
    if (shown) stream.write('\r\x1b[K');
    shown = false;
  };
  return {
    show(text) {
      if (!live) return;
      stream.write(`\r\x1b[K${text.slice(0, (stream.columns ?? 80) - 1)}`);
      shown = true;
    },
    clear,
    say(text) {
      clear();
      stream.write(`${text}\n`);
    },
  };
}
