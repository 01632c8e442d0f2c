/** The server or the seam could not be started; the message says what to do. */
export class LaunchError extends Error {
  override name = 'LaunchError';
  readonly code: 'bad-command' | 'missing-feature';

  constructor(message: string, code: LaunchError['code'] = 'bad-command') {
    super(message);
    this.code = code;
  }
}

/** execve(2) failed with `errno`. */
export function cannotStart(command: string, errno: string, root: string | undefined): LaunchError {
  const where = root === undefined ? '' : ` in --root ${root}`;
  return new LaunchError(
    `cannot start ${command}${where}: ${errno}; name an executable program after --`,
  );
}
