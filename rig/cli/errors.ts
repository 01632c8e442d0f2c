/** One line and an exit code for everything that can go wrong in a session. */
import { EngineError } from './engine.ts';
import { EXIT } from './exit_codes.ts';

/** Exit code by the error's name, and by its code where that decides. */
function exitCodeOf(error: EngineError): number {
  switch (error.name) {
    case 'CaptureError':
      return error.code === 'disk-full' || error.code === 'unwritable'
        ? EXIT.rigFailed
        : EXIT.usage;
    case 'FixtureError':
      return error.code === 'needs-root' ? EXIT.missingFeature : EXIT.usage;
    case 'LaunchError':
      return error.code === 'missing-feature' ? EXIT.missingFeature : EXIT.usage;
    case 'CommandError':
      return EXIT.usage;
    case 'InterruptError':
      return EXIT.inconclusive;
    default:
      return EXIT.rigFailed;
  }
}

/** Runs a session; an error becomes its line and exit code, and the result undefined. */
export async function guarded<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    process.stderr.write(`fuse-rig: ${error.message}\n`);
    if (process.env.FUSE_RIG_DEBUG === '1') process.stderr.write(`${error.remoteStack}\n`);
    process.exitCode = exitCodeOf(error);
    return undefined;
  }
}
