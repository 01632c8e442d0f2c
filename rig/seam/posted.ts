/** What the ring port keeps of commands and of requests on their way. */

/** What a CQE needs to know of its command. */
export type Posted = { readonly userData: bigint; readonly quiet?: boolean };

/** Names a request on its way through a queue. */
export const key = (conn: number, qid: number, unique: bigint): bigint =>
  (unique << 32n) | BigInt((conn << 16) | qid);
