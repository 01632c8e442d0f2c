/** What a plan of faults did to a session, in the words of rig/events.ts. */

/** What becomes of the request that a fault was injected into. */
export type Fate =
  /** The next read or entry gets it: nothing is lost. */
  | 'kept'
  /** The kernel has ended it: its client got an error, no reply can reach it. */
  | 'lost'
  /** Nobody will ever answer it: it waits for the end of the connection. */
  | 'stuck'
  /** The server may answer it again, or believe that it has. */
  | 'unsure'
  /** No request is meant, but what the server answers from here on may be another thing. */
  | 'altered'
  /** The server may answer it with an error, and with nothing else that differs. */
  | 'may-fail'
  /** It lacks something: so may it answer every request that it has until it is given back. */
  | 'lacking'
  /** The same, and it may end as a program without memory does: by SIGABRT or SIGSEGV. */
  | 'may-die'
  /** It and what was asked meanwhile came in another order, and may be answered so. */
  | 'reordered'
  /** It was asked another thing than in the capture: any answer will do, but one must come. */
  | 'garbled'
  /** It is asked as it would be, by another way. */
  | 'whole'
  /** No request is meant. */
  | 'none';

/** A rule of the plan came true. It stands right before the event that shows what the server got. */
export interface InjectedEvent {
  kind: 'injected';
  t: number;
  /** 0 where there is none. */
  handle: number;
  conn: number;
  tid: number;
  /** Place of the rule in the plan, from 1, and its text. */
  rule: number;
  text: string;
  /** Name of the fault (faults/list.ts), and the moment (rig/decider.ts). */
  fault: string;
  at: string;
  /** Of the message it was about; 0 and empty where there is none. */
  opcode: number;
  /** Its unique in hexadecimal digits, no 0x. */
  unique: string;
  /** Queue and entry of a ring, or -1. */
  qid: number;
  entry: number;
  /** What the call or CQE ends with; of a teardown 0, or why it was refused. */
  result: number;
  /** The fault could not be had here, and nothing happened: umount(2) gave EBUSY, say. */
  refused: boolean;
  fate: Fate;
  /** No kernel does this to a server. */
  synthetic: boolean;
  /** The server must go on serving: the connection is whole. */
  goesOn: boolean;
}
