import { describe, expect, it } from 'vitest';
import { type DeviceCall, refusedEarly } from './early_checks.ts';
import { NR } from './traps.ts';

const base: DeviceCall = {
  nr: NR.read,
  output: false,
  openFlags: 2,
  bound: true,
  second: 0,
  third: 0,
};
const refused = (call: Partial<DeviceCall>): number => refusedEarly({ ...base, ...call });

describe('refusedEarly', () => {
  it('reads only what was opened for reading', () => {
    for (const nr of [NR.read, NR.readv, NR.splice]) {
      expect(refused({ nr, openFlags: 1 })).toBe(-9);
      expect(refused({ nr, openFlags: 0 })).toBe(0);
    }
  });

  it('writes only what was opened for writing', () => {
    for (const nr of [NR.write, NR.writev]) {
      expect(refused({ nr, openFlags: 0 })).toBe(-9);
      expect(refused({ nr, openFlags: 1 })).toBe(0);
    }
    expect(refused({ nr: NR.splice, output: true, openFlags: 0 })).toBe(-9);
  });

  it('has no SIGIO for a device that nothing is mounted of', () => {
    const asks = { nr: NR.fcntl, second: 4, third: 0o20002 };
    expect(refused({ ...asks, bound: false })).toBe(-1);
    expect(refused(asks)).toBe(0);
    expect(refused({ ...asks, bound: false, third: 2 })).toBe(0);
  });
});
