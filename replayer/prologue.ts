/** What a replay must know before it starts the server: read from the capture's first events. */
import type { CaptureReader } from '../recorder/capture/reader.ts';
import type { FixtureSummary } from '../recorder/fixture/format.ts';
import { readFixtureSummary } from '../recorder/fixture/restore.ts';
import type { MountEvent } from '../rig/events.ts';
import { DEFAULT_OFFER, type InitOffer } from '../rig/kernel/init.ts';
import { parseMountOptions } from '../rig/kernel/mount-options.ts';
import { ProtocolError } from '../rig/protocol/cursor.ts';
import { opcodeOf } from '../rig/protocol/header.ts';
import { INIT_FLAG, joinInitFlags } from '../rig/protocol/init-flags.ts';
import { initIn } from '../rig/protocol/negotiated.ts';
import { OP } from '../rig/protocol/opcodes.ts';

/** First minor whose flags have the bit (FUSE_OVER_IO_URING). */
const RING_MINOR = 42;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

export interface Prologue {
  fixture: FixtureSummary | undefined;
  /** Where the recorded server mounted first. */
  mountpoint: string | undefined;
  /** What the root of the first mount is (its `rootmode`), and so what it is mounted on. */
  root: 'directory' | 'file';
  /** What the recording kernel offered in INIT, without the ring; undefined where none was read. */
  offer: InitOffer | undefined;
}

export function prologue(reader: CaptureReader): Prologue {
  const found: Prologue = {
    fixture: undefined,
    mountpoint: reader.begin.mountpoint,
    root: 'directory',
    offer: undefined,
  };
  let mounted = false;
  for (const event of reader.events()) {
    if (event.kind === 'fixture') found.fixture ??= readFixtureSummary(event.bytes);
    else if (event.kind === 'mount' && event.result === 0) {
      if (event.target !== '') found.mountpoint ??= event.target;
      if (!mounted) found.root = rootOf(event);
      mounted = true;
    } else if (event.kind === 'request') {
      found.offer = offerOf(event.bytes);
      if (found.offer !== undefined) return found;
    }
  }
  return found;
}

/** A mount's root by its options, which libfuse takes from what it mounts on. */
function rootOf({ fstype, source, options }: MountEvent): Prologue['root'] {
  const rootmode = parseMountOptions(fstype, source, options)?.rootmode ?? S_IFDIR;
  return (rootmode & S_IFMT) === S_IFDIR ? 'directory' : 'file';
}

/** What an INIT request offers; undefined for any other, and for one that nobody can read. */
function offerOf(request: Uint8Array): InitOffer | undefined {
  try {
    if (opcodeOf(request) !== OP.INIT.opcode) return undefined;
    const { minor, max_readahead, flags, flags2 } = initIn(request);
    return {
      minor,
      maxReadahead: max_readahead,
      flags: joinInitFlags(flags, flags2) & ~INIT_FLAG.OVER_IO_URING,
    };
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** The same with the ring offered, or not: what the capture's kernel did is no matter to a server. */
export function offerWith(offer: InitOffer = DEFAULT_OFFER, ring: boolean): InitOffer {
  // Without the second word of flags there is no place for it.
  if (!ring || offer.minor < RING_MINOR) return offer;
  return { ...offer, flags: offer.flags | INIT_FLAG.OVER_IO_URING | INIT_FLAG.INIT_EXT };
}

/** The fixture's pieces, in order. */
export function* fixturePieces(reader: CaptureReader): Generator<Uint8Array> {
  for (const event of reader.events()) {
    if (event.kind === 'fixture') yield event.bytes;
    else if (event.kind !== 'begin') return;
  }
}
