/**
 * Lines on stdout for commands that may have more to say than anybody reads: nothing piles up in
 * memory, and a reader that goes away (`| head`) ends the output without a word.
 */
const BATCH_CHARS = 64 * 1024;

/** Prints every line, or as many as somebody reads. What `lines` throws comes through, after them. */
export async function printLines(lines: Iterable<string>): Promise<void> {
  const out = process.stdout;
  let gone: Error | undefined;
  out.on('error', (error) => {
    gone = error;
  });
  const write = (text: string): Promise<void> =>
    new Promise((resolve) => {
      out.write(text, () => resolve());
    });
  let batch = '';
  try {
    for (const line of lines) {
      batch += `${line}\n`;
      if (batch.length < BATCH_CHARS) continue;
      await write(batch);
      batch = '';
      if (gone !== undefined) break;
    }
  } finally {
    if (batch !== '') await write(batch);
  }
  if (gone !== undefined && !('code' in gone && gone.code === 'EPIPE')) throw gone;
}

/** The one line of an input that cannot be used; the command's exit code is then 2. */
export function refuse(message: string): void {
  process.stderr.write(`fuse-rig: ${message}\n`);
  process.exitCode = 2;
}
