/**
 * Operations of the protocol that no probe can show, by the way they would go, and why; and which were
 * shown. Every row of the protocol's table is in the one or the other.
 */
import { IN_HEADER_SIZE } from '../../rig/protocol/constants.ts';
import { opcodeOf } from '../../rig/protocol/header.ts';
import { type OpName, opOf } from '../../rig/protocol/opcodes.ts';
import type { Transcript } from './driver.ts';
import { liesWhole } from './mask.ts';

const DAX =
  'of DAX: a mount of virtiofs alone asks for it, in a guest whose device has a DAX window';
const CUSE = 'of /dev/cuse, which is another device and not the rig’s';
const NO_REQUEST =
  'is no request with a reply: it is read on the device, also while a ring is ready (probes of 4.3)';

export type Way = 'device' | 'ring';

export const UNASKED: Readonly<Record<Way, Partial<Record<OpName, string>>>> = {
  device: { SETUPMAPPING: DAX, REMOVEMAPPING: DAX, CUSE_INIT: CUSE },
  ring: {
    SETUPMAPPING: DAX,
    REMOVEMAPPING: DAX,
    CUSE_INIT: CUSE,
    INIT: 'is answered before there can be a ring',
    FORGET: NO_REQUEST,
    BATCH_FORGET: NO_REQUEST,
    INTERRUPT: NO_REQUEST,
  },
};

/** What varies is masked with dots. */
const bytesOf = (text: string): Uint8Array => Buffer.from(text.replaceAll('.', '0'), 'hex');

/** Operations whose requests came to the server of any of the probes, by the way they went. */
export function shownIn(transcripts: readonly Transcript[]): Record<Way, Set<OpName>> {
  const shown: Record<Way, Set<OpName>> = { device: new Set(), ring: new Set() };
  const add = (way: Way, message: Uint8Array): void => {
    const op = message.length < IN_HEADER_SIZE ? undefined : opOf(opcodeOf(message));
    if (op !== undefined) shown[way].add(op.name as OpName);
  };
  for (const { outcomes } of transcripts) {
    for (const result of outcomes.flatMap(({ done }) => Object.values(done))) {
      const { bytes, in_out, ent } = result;
      if (typeof bytes === 'string') add('device', bytesOf(bytes));
      if (typeof in_out !== 'string' || typeof ent !== 'string') continue;
      const message = bytesOf(in_out);
      if (liesWhole(message, bytesOf(ent))) add('ring', message);
    }
  }
  return shown;
}
