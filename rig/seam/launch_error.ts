/** The server or the seam could not be started; the message says what to do. */
export class LaunchError extends Error {
  override name = 'LaunchError';
  readonly code: 'bad-command' | 'missing-feature';

  constructor(message: string, code: LaunchError['code'] = 'bad-command') {
    super(message);
    this.code = code;
  }
}
