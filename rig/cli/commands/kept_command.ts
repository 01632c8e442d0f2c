/** The command of a server as cases keep it, with placeholders. */
import { CaptureError } from '../../../recorder/capture/error.ts';
import { CaptureReader } from '../../../recorder/capture/reader.ts';
import { recordedCommand } from '../../../replayer/command.ts';
import { refuse } from './print.ts';

/** The words after --, or the recorded ones; undefined where there are none to be had, which is said. */
export function keptCommand(capture: string, command: string[]): string[] | undefined {
  if (command.length > 0) {
    if (command.some((word) => word.includes('{mountpoint}'))) return command;
    refuse(`"${command.join(' ')}" has no {mountpoint}; write it where the server takes it`);
    return undefined;
  }
  try {
    const reader = CaptureReader.open(capture);
    const { begin } = reader;
    reader.close();
    const places = { mountpoint: '{mountpoint}', fixture: '{fixture}' };
    return recordedCommand(begin, begin.mountpoint, places);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    refuse(error.message);
    return undefined;
  }
}
