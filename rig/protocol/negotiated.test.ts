/** What INIT negotiates, case by case as process_init_reply() decides it. */
import { describe, expect, it } from 'vitest';
import { encodeReply, encodeRequest } from './build.ts';
import { ProtocolError, writeU32 } from './cursor.ts';
import { bareReply } from './header.ts';
import { type InitFlag, initMask, joinInitFlags, splitInitFlags } from './init-flags.ts';
import { Request } from './message.ts';
import {
  has,
  type InitOptions,
  initIn,
  initOut,
  maxWriteData,
  negotiate,
  ringPayloadSize,
} from './negotiated.ts';
import { OP } from './opcodes.ts';

/** The request of Linux 6.18 with the ring enabled. */
const INIT = new Request(
  encodeRequest(
    OP.INIT,
    { unique: 2n },
    { major: 7, minor: 45, max_readahead: 131072, flags: 0x73fffffb, flags2: 0x7fd },
  ),
);

const reply = (fields: object, ...flags: InitFlag[]) => {
  const words = splitInitFlags(initMask(flags));
  return encodeReply(INIT, { major: 7, minor: 45, ...words, ...fields });
};

const agreed = (fields: object = {}, flags: InitFlag[] = [], options: InitOptions = {}) =>
  negotiate(INIT.bytes, reply(fields, ...flags), options);

/** A reply whose body is cut to `size` bytes. */
function cut(size: number, fields: object = {}): Uint8Array {
  const bytes = reply(fields).slice(0, 16 + size);
  writeU32(bytes, 0, bytes.length);
  return bytes;
}

describe('the request', () => {
  it('is what 6.18 sends', () => {
    expect(INIT.bytes.length).toBe(104);
    expect(initIn(INIT.bytes)).toMatchObject({ major: 7, minor: 45, flags2: 0x7fd });
    const offered = joinInitFlags(0x73fffffb, 0x7fd);
    expect(has({ flags: offered }, 'OVER_IO_URING')).toBe(true);
    expect(has({ flags: offered }, 'SUBMOUNTS')).toBe(false);
  });

  it('of a kernel without flags2 has 16 bytes of body', () => {
    const short = INIT.bytes.slice(0, 56);
    writeU32(short, 0, 56);
    expect(new Request(short).as('INIT').flags2).toBe(0);
    expect(initIn(short)).toMatchObject({ minor: 45, flags: 0x73fffffb, flags2: 0 });
  });

  it('must be an INIT', () => {
    const other = encodeRequest(OP.DESTROY, { unique: 2n }, {});
    expect(() => negotiate(other, reply({}))).toThrow(ProtocolError);
    expect(() => initIn(new Uint8Array(8))).toThrow(ProtocolError);
    expect(() => initOut(new Uint8Array(8))).toThrow(ProtocolError);
  });
});

describe('acceptance', () => {
  it('takes 4 to 64 bytes of success with major 7, missing bytes as zero', () => {
    expect(negotiate(INIT.bytes, cut(64)).accepted).toBe(true);
    expect(negotiate(INIT.bytes, cut(24, { max_write: 65536 }))).toMatchObject({
      accepted: true,
      maxWrite: 65536,
      kernelMinor: 45,
    });
    expect(negotiate(INIT.bytes, cut(4))).toMatchObject({
      accepted: true,
      minor: 0,
      flags: 0n,
      maxWrite: 4096,
    });
  });

  it('refuses an error, an empty or overlong body, another major', () => {
    expect(negotiate(INIT.bytes, bareReply(2n, -71)).accepted).toBe(false);
    expect(negotiate(INIT.bytes, bareReply(2n, 0)).accepted).toBe(false);
    const long = new Uint8Array(16 + 65);
    long.set(reply({}));
    expect(negotiate(INIT.bytes, long).accepted).toBe(false);
    for (const major of [0, 6, 8]) expect(agreed({ major }).accepted).toBe(false);
  });

  it('takes any minor as it is', () => {
    for (const minor of [0, 45, 1000]) {
      expect(agreed({ minor })).toMatchObject({ accepted: true, minor });
    }
  });

  it('refuses ALLOW_IDMAP unless permissions are the kernel business', () => {
    expect(agreed({}, ['ALLOW_IDMAP']).accepted).toBe(false);
    expect(agreed({}, ['ALLOW_IDMAP', 'POSIX_ACL']).accepted).toBe(true);
    expect(agreed({}, ['ALLOW_IDMAP'], { defaultPermissions: true }).accepted).toBe(true);
  });
});

describe('limits', () => {
  it('floors max_write at a page, which it is below minor 5', () => {
    expect(agreed({ max_write: 0 }).maxWrite).toBe(4096);
    expect(agreed({ max_write: 100_000 }).maxWrite).toBe(100_000);
    expect(agreed({ minor: 4, max_write: 100_000 }).maxWrite).toBe(4096);
  });

  it('asks reads of the device for max(8192, 80 + max_write) bytes', () => {
    const of = (max_write: number) => agreed({ max_write }, ['MAX_PAGES']).minReadBuffer;
    expect([of(4096), of(65536), of(1 << 20)]).toEqual([8192, 65616, 1048656]);
    expect(negotiate(INIT.bytes, bareReply(2n, -1)).minReadBuffer).toBe(8192);
  });

  it('clamps max_pages to 1..limit with the flag; 32 without', () => {
    const of = (max_pages: number, options?: InitOptions) =>
      agreed({ max_pages }, ['MAX_PAGES'], options).maxPages;
    expect(agreed({ max_pages: 256 }).maxPages).toBe(32);
    expect([of(0), of(1), of(256), of(65535)]).toEqual([1, 1, 256, 256]);
    expect(of(256, { pageLimit: 124 })).toBe(124);
  });

  it('lets long names through only with more than one page', () => {
    expect(agreed({ max_pages: 2 }, ['MAX_PAGES']).nameMax).toBe(4095);
    expect(agreed({ max_pages: 1 }, ['MAX_PAGES']).nameMax).toBe(1024);
    expect(agreed({ max_pages: 256 }).nameMax).toBe(1024);
  });

  it('never raises readahead, and counts it in pages', () => {
    expect(agreed({ max_readahead: 1 << 30 }).maxReadahead).toBe(131072);
    expect(agreed({ max_readahead: 65536 + 1 }).maxReadahead).toBe(65536);
    expect(agreed({ minor: 5, max_readahead: 0 }, [], { maxRead: 8192 }).maxReadahead).toBe(8192);
  });

  it('keeps background defaults for 0 and below minor 13, and caps the unprivileged', () => {
    const fields = { max_background: 100, congestion_threshold: 75 };
    const of = (more: object, options?: InitOptions) => {
      const { maxBackground, congestionThreshold } = agreed({ ...fields, ...more }, [], options);
      return [maxBackground, congestionThreshold];
    };
    expect(of({})).toEqual([100, 75]);
    expect(of({ minor: 12 })).toEqual([12, 9]);
    expect(of({ max_background: 0, congestion_threshold: 0 })).toEqual([12, 9]);
    expect(of({}, { backgroundCap: 80 })).toEqual([80, 75]);
  });

  it('takes time_gran between 1 ns and 1 s', () => {
    const of = (time_gran: number) => agreed({ time_gran }).timeGran;
    expect([of(0), of(1), of(1e9), of(1e9 + 1)]).toEqual([1, 1, 1e9, 1]);
  });

  it('raises a request timeout to the scan period', () => {
    const of = (request_timeout: number, options?: InitOptions) =>
      agreed({ request_timeout }, ['REQUEST_TIMEOUT'], options).requestTimeout;
    expect(agreed({ request_timeout: 60 }).requestTimeout).toBe(0);
    expect([of(0), of(1), of(60)]).toEqual([0, 15, 60]);
    expect(of(0, { defaultTimeout: 20 })).toBe(20);
    expect(of(0, { maxTimeout: 30 })).toBe(30);
    expect(of(60, { maxTimeout: 30 })).toBe(30);
  });

  it('sizes direct I/O and ring payloads', () => {
    const sizes = (max_write: number, max_pages?: number) => {
      const n = agreed({ max_write, max_pages: max_pages ?? 0 }, max_pages ? ['MAX_PAGES'] : []);
      return [maxWriteData(n), ringPayloadSize(n)];
    };
    expect(sizes(65536)).toEqual([65536, 131072]);
    expect(sizes(1 << 20)).toEqual([131072, 1048576]);
    expect(sizes(4096, 1)).toEqual([4096, 8192]);
    expect(sizes(65536, 256)).toEqual([65536, 1048576]);
    expect(sizes(100_000, 1)).toEqual([4096, 100_000]);
  });
});

describe('flags', () => {
  const on = (flag: InitFlag, fields: object, flags: InitFlag[]) =>
    has(agreed(fields, flags), flag);

  it('reads flags2 only with INIT_EXT', () => {
    expect(on('SECURITY_CTX', {}, ['SECURITY_CTX'])).toBe(true);
    expect(agreed({ flags: 0, flags2: 1 }).flags).toBe(0n);
  });

  it('drops what has no effect', () => {
    expect(agreed({ minor: 5 }, ['POSIX_LOCKS']).flags).toBe(0n);
    expect(on('EXPORT_SUPPORT', { minor: 8 }, ['EXPORT_SUPPORT'])).toBe(false);
    expect(on('READDIRPLUS_AUTO', {}, ['READDIRPLUS_AUTO'])).toBe(false);
    expect(on('READDIRPLUS_AUTO', {}, ['READDIRPLUS_AUTO', 'DO_READDIRPLUS'])).toBe(true);
    expect(on('EXPLICIT_INVAL_DATA', {}, ['EXPLICIT_INVAL_DATA', 'AUTO_INVAL_DATA'])).toBe(false);
  });

  it('lets flock follow the POSIX flag below minor 17', () => {
    expect(on('FLOCK_LOCKS', { minor: 16 }, ['POSIX_LOCKS'])).toBe(true);
    expect(on('FLOCK_LOCKS', { minor: 16 }, ['FLOCK_LOCKS'])).toBe(false);
    expect(on('FLOCK_LOCKS', { minor: 17 }, ['POSIX_LOCKS'])).toBe(false);
  });

  it('takes PASSTHROUGH with a stack depth of 1 or 2 and no writeback', () => {
    const depth = (max_stack_depth: number, ...more: InitFlag[]) =>
      agreed({ max_stack_depth }, ['PASSTHROUGH', ...more]).maxStackDepth;
    expect([depth(0), depth(1), depth(2), depth(3)]).toEqual([0, 1, 2, 0]);
    expect(depth(1, 'WRITEBACK_CACHE')).toBe(0);
  });

  it('takes the ring only from a kernel that offered it', () => {
    expect(on('OVER_IO_URING', {}, ['OVER_IO_URING'])).toBe(true);
    const without = encodeRequest(
      OP.INIT,
      { unique: 2n },
      { major: 7, minor: 45, flags: 0x73fffffb, flags2: 0x5fd },
    );
    expect(has(negotiate(without, reply({}, 'OVER_IO_URING')), 'OVER_IO_URING')).toBe(false);
  });
});
