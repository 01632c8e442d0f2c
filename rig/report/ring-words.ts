/** How what happens on a ring is put, in show and in findings. */
import type { CompletionEvent, RegisterEvent, RingPlace } from '../events.ts';
import { errnoName } from '../protocol/errno.ts';
import { URING_CMD } from '../protocol/ring.ts';

/** 0: the command of an entry that ended, long after it was looked at. */
const COMMANDS: ReadonlyMap<number, string> = new Map([
  [0, ''],
  ...Object.entries(URING_CMD).map(([name, number]): [number, string] => [number, ` ${name}`]),
]);

/** `q2/5`, queue and entry; `dev` for what did not travel on a ring. */
export const placeWord = (ring: RingPlace | undefined): string =>
  ring === undefined ? 'dev' : `q${ring.qid}/${ring.entry}`;

const resultWord = (result: number): string =>
  result < 0 ? `-${errnoName(result)}` : String(result);

const entryWord = (entry: number): string => (entry < 0 ? '' : ` ent=${entry}`);

const hex = (address: number): string => `0x${address.toString(16)}`;

export function registerWords(event: RegisterEvent): string {
  const { ring, qid, entry, headers, payload, payloadSize, result } = event;
  const head = `REGISTER ring=${ring} q=${qid}${entryWord(entry)}`;
  if (result !== 0) return `${head} = ${resultWord(result)}`;
  return `${head} headers=${hex(headers)} payload=${hex(payload)}+${payloadSize} = held`;
}

export function completionWords(event: CompletionEvent): string {
  const { command, ring, qid, entry, commitId, result } = event;
  const name = COMMANDS.get(command) ?? ` command ${command}`;
  const id = commitId === '' ? '' : ` commit_id=0x${commitId}`;
  return `CQE${name} ring=${ring} q=${qid}${entryWord(entry)}${id} = ${resultWord(result)}`;
}
