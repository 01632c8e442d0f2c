/** Somebody stopped the rig before it could come to a result; the message says where. */
export class InterruptError extends Error {
  override name = 'InterruptError';
}
