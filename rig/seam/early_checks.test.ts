import { describe, expect, it } from 'vitest';
import { type DeviceCall, decidedEarly } from './early_checks.ts';
import { NR } from './traps.ts';

const base: DeviceCall = {
  nr: NR.read,
  output: false,
  openFlags: 2,
  bound: true,
  second: 0,
  third: 0,
  size: 8192,
  position: 0n,
  flags: 0,
};
const refused = (call: Partial<DeviceCall>): number | undefined =>
  decidedEarly({ ...base, ...call });

describe('decidedEarly', () => {
  it('reads only what was opened for reading', () => {
    for (const nr of [NR.read, NR.readv, NR.splice]) {
      expect(refused({ nr, openFlags: 1 })).toBe(-9);
      expect(refused({ nr, openFlags: 0 })).toBeUndefined();
    }
  });

  it('writes only what was opened for writing', () => {
    for (const nr of [NR.write, NR.writev]) {
      expect(refused({ nr, openFlags: 0 })).toBe(-9);
      expect(refused({ nr, openFlags: 1 })).toBeUndefined();
    }
    expect(refused({ nr: NR.splice, output: true, openFlags: 0 })).toBe(-9);
  });

  it('has no SIGIO for a device that nothing is mounted of', () => {
    const asks = { nr: NR.fcntl, second: 4, third: 0o20002 };
    expect(refused({ ...asks, bound: false })).toBe(-1);
    expect(refused(asks)).toBeUndefined();
    expect(refused({ ...asks, bound: false, third: 2 })).toBeUndefined();
  });

  it('refuses a position below 0, but for the -1 of preadv2 and pwritev2', () => {
    for (const nr of [NR.pread64, NR.pwrite64, NR.preadv, NR.pwritev, NR.preadv2, NR.pwritev2]) {
      expect(refused({ nr, position: -2n })).toBe(-22);
      expect(refused({ nr, position: 99n })).toBeUndefined();
    }
    expect(refused({ nr: NR.preadv2, position: -1n })).toBeUndefined();
    expect(refused({ nr: NR.read, position: -1n })).toBeUndefined();
  });

  it('has no flags that ask the file for something', () => {
    expect(refused({ nr: NR.preadv2, flags: 8 })).toBe(-95);
    expect(refused({ nr: NR.pwritev2, flags: 0x8000 })).toBe(-95);
    expect(refused({ nr: NR.preadv2, flags: 1 })).toBeUndefined();
  });

  it('moves nothing where nothing is asked for, unless it is a plain read or write', () => {
    for (const nr of [NR.readv, NR.writev, NR.preadv2, NR.splice, NR.sendfile])
      expect(refused({ nr, size: 0 })).toBe(0);
    expect(refused({ nr: NR.read, size: 0 })).toBeUndefined();
    expect(refused({ nr: NR.pwrite64, size: 0 })).toBeUndefined();
  });
});
