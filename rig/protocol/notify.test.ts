/** Notifications: every row round-trips; lengths are held against the kernel's checks. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { partsArb, runs } from './arbitraries.ts';
import { concat, ProtocolError, writeU32 } from './cursor.ts';
import { formatNotification } from './format.ts';
import { bareReply } from './header.ts';
import { BEFORE_INIT } from './negotiated.ts';
import {
  decodeNotification,
  encodeNotification,
  encodeNotificationOf,
  isNotification,
  NOTIFICATIONS,
  notifyMarks,
  notifyOf,
} from './notify.ts';

function relen(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  writeU32(copy, 0, copy.length);
  return copy;
}

test('codes are 1 to 9', () => {
  expect(NOTIFICATIONS.map((spec) => spec.code)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const code of [0, 10, -1]) expect(notifyOf(code)).toBeUndefined();
});

describe.each(NOTIFICATIONS.map((spec) => [spec.name, spec] as const))('%s', (_, spec) => {
  const argsArb = partsArb(spec.parts, BEFORE_INIT);

  it('returns what was built', () => {
    fc.assert(
      fc.property(argsArb, (args) => {
        const message = encodeNotificationOf(spec, args);
        expect(isNotification(message)).toBe(true);
        expect(decodeNotification(message)).toEqual({ code: spec.code, spec, args });
        expect(formatNotification(message)).toMatch(new RegExp(`^NOTIFY_${spec.name}\\b`));
        notifyMarks(message);
      }),
      runs(50),
    );
  });

  it('refuses any other length, unless the kernel ignores the body', () => {
    fc.assert(
      fc.property(argsArb, fc.nat(200), fc.uint8Array({ minLength: 1 }), (args, cut, more) => {
        const message = encodeNotificationOf(spec, args);
        const short = relen(message.subarray(0, 16 + (cut % (message.length - 16 || 1))));
        const long = relen(concat([message, more]));
        for (const wrong of [short, long]) {
          if (spec.ignoresBody || wrong.length === message.length) continue;
          expect(() => decodeNotification(wrong)).toThrow(ProtocolError);
          expect(formatNotification(wrong)).toContain('malformed');
        }
      }),
      runs(50),
    );
  });
});

test('lengths and counts follow what is given', () => {
  const entry = encodeNotification('INVAL_ENTRY', { parent: 1n, name: 'abc', flags: 1 });
  expect(entry.length).toBe(16 + 16 + 3 + 1);
  expect(formatNotification(entry)).toBe(
    'NOTIFY_INVAL_ENTRY parent=1 namelen=3 flags=EXPIRE_ONLY name="abc"',
  );
  expect(encodeNotification('STORE', { nodeid: 5n, data: 'xy' }).length).toBe(16 + 24 + 2);
  const prune = encodeNotification('PRUNE', { nodeids: [{ nodeid: 4n }, { nodeid: 5n }] });
  expect(prune.length).toBe(16 + 16 + 16);
  expect(notifyMarks(prune).map((mark) => mark.value)).toEqual([4n, 5n]);
});

test('an unknown code is kept, a broken header is not', () => {
  const message = bareReply(0n, 77);
  expect(decodeNotification(message)).toEqual({ code: 77, spec: undefined, args: {} });
  expect(formatNotification(message)).toBe('NOTIFY_77');
  expect(() => decodeNotification(message.subarray(0, 15))).toThrow(ProtocolError);
});

test('a count that lies allocates nothing', () => {
  const prune = encodeNotification('PRUNE', { nodeids: [] });
  writeU32(prune, 16, 0xffffffff);
  expect(() => decodeNotification(prune)).toThrow('notify_prune_out.count');
  const entry = encodeNotification('DELETE', { name: 'abc' });
  writeU32(entry, 32, 0xffffffff);
  expect(() => decodeNotification(entry)).toThrow('notify_delete_out.namelen');
});
