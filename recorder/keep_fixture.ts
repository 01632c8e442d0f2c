/** Puts the fixture, as it is now, into the capture that is being begun. */
import { InterruptError } from '../rig/interrupt_error.ts';
import { CaptureError } from './capture/error.ts';
import type { CaptureWriter } from './capture/writer.ts';
import { saveFixture } from './fixture/save.ts';

/** Throws InterruptError as soon as `stopped` holds, CaptureError `disk-full` when there is no room. */
export async function keepFixture(
  writer: CaptureWriter,
  fixture: string,
  stopped: () => boolean,
): Promise<void> {
  try {
    await saveFixture(fixture, (bytes) => {
      if (stopped()) throw new InterruptError('stopped while the fixture was saved');
      writer.write({ kind: 'fixture', t: 0, bytes });
    });
  } catch (error) {
    if (!(error instanceof CaptureError && error.code === 'disk-full')) throw error;
    const { path } = writer;
    const message = `${path}: no room for the fixture ${fixture}; name a file on another disk`;
    throw new CaptureError('disk-full', message, { path });
  }
}
