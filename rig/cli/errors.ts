/** One line and an exit code for everything that can go wrong in a session. */
import { EngineError } from '../engine/engine.ts';
import { errorCode } from '../engine/outcome.ts';

/** Runs a session; an error becomes its line and exit code, and the result undefined. */
export async function guarded<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    process.stderr.write(`fuse-rig: ${error.message}\n`);
    if (process.env.FUSE_RIG_DEBUG === '1') process.stderr.write(`${error.remoteStack}\n`);
    process.exitCode = errorCode(error);
    return undefined;
  }
}
