/**
 * What happens on a ring, in the words of rig/events.ts: where a message travelled, commands that carry
 * none, and what the rig found out about their buffers.
 */

/** Where a message travelled: an entry of a ring's queue. Absent: through a read or write of the device. */
export interface RingPlace {
  /** The queue: the CPU its requests are made on. */
  qid: number;
  /** Counts the REGISTERs of the queue that succeeded, from 0. */
  entry: number;
}

/** FUSE_IO_URING_CMD_REGISTER: a pair of buffers is offered to a queue. */
export interface RegisterEvent {
  kind: 'register';
  t: number;
  handle: number;
  conn: number;
  tid: number;
  /** Numbers the server's io_uring instances from 1. */
  ring: number;
  qid: number;
  /** Process whose addresses they are; absent where it is not known. */
  pid?: number;
  /** -1 where the REGISTER was refused. */
  entry: number;
  /**
   * Addresses in the server, and bytes of the payload that the kernel uses. Where it was refused: what
   * was offered, 0 where that cannot be read or is no address.
   */
  headers: number;
  payload: number;
  payloadSize: number;
  /** Bytes of the headers that were offered, where it was refused and they could be read. */
  headersSize?: number;
  /** 0 while the command is held, or the negative errno of its CQE. */
  result: number;
}

/** The CQE of a FUSE command that brings no request: refused, or its entry ended. */
export interface CompletionEvent {
  kind: 'completion';
  t: number;
  handle: number;
  conn: number;
  tid: number;
  ring: number;
  /** FUSE_IO_URING_CMD_* as the server asked. */
  command: number;
  qid: number;
  /** -1 where the command reached none. */
  entry: number;
  /** commit_id of a COMMIT_AND_FETCH in hexadecimal digits, no 0x; empty for other commands. */
  commitId: string;
  /** `res` of the CQE. */
  result: number;
}

/** The last descriptor or mapping of an io_uring instance of the server is gone. */
export interface RingCloseEvent {
  kind: 'ring-close';
  t: number;
  ring: number;
}

/** Which of an entry's two buffers. */
export type EntryBuffer = 'headers' | 'payload';

/**
 * Bytes that the kernel owned have changed: the poison the rig had put there is gone (rig/seam/poison.ts).
 * Found before the next request is written there, or at the end.
 */
export interface SpoiledEvent {
  kind: 'spoiled';
  t: number;
  conn: number;
  qid: number;
  entry: number;
  buffer: EntryBuffer;
  /** First changed byte in the buffer, and bytes from it to the last changed one. */
  offset: number;
  length: number;
  /** The request whose reply was committed before; 0n: none yet, the entry was only registered. */
  unique: bigint;
  /** `t` of that commit or registration. */
  since: number;
}

/** Poison came back in a reply or in the backing store: the server used bytes it did not own. */
export interface PoisonReadEvent {
  kind: 'poison-read';
  t: number;
  conn: number;
  /** The reply's unique, or 0n for a file. */
  unique: bigint;
  /** Path of the file below the fixture; empty for a reply. */
  file: string;
  /** Where in the reply's body or file, and how many bytes. */
  at: number;
  length: number;
  /** Whose poison it is. */
  qid: number;
  entry: number;
  buffer: EntryBuffer;
  offset: number;
  /** The request whose reply was committed before the poison was put there. */
  before: bigint;
  /** It lies where it was put, in the same entry: bytes of the reply that were never written. */
  untouched: boolean;
}

/** A buffer of an entry is not mapped: a request could not be put there, or a reply not be fetched. */
export interface UnmappedEvent {
  kind: 'unmapped';
  t: number;
  conn: number;
  qid: number;
  entry: number;
  buffer: EntryBuffer;
  /** A request that the server never got, or one whose reply was `committed`: then `opcode` is 0. */
  unique: bigint;
  opcode: number;
  committed: boolean;
}

/** A committed reply is larger than the payload it was put in. */
export interface OversizeEvent {
  kind: 'oversize';
  t: number;
  conn: number;
  qid: number;
  entry: number;
  unique: bigint;
  /** payload_sz, and bytes of the payload. */
  size: number;
  room: number;
}
