/** The grammar of rules: what is read, that it prints back, and how what is no rule is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OP } from '../rig/protocol/opcodes.ts';
import { anyRule } from './arbitraries.ts';
import { parseRule } from './parse.ts';
import { ruleText } from './rule.ts';
import { RuleError } from './rule_error.ts';

const FOR_EVER = Number.POSITIVE_INFINITY;
const [READ, WRITE] = [OP.READ.opcode, OP.WRITE.opcode];

describe('a rule', () => {
  it('prints back to what parses to the same rule', () => {
    fc.assert(
      fc.property(anyRule, (rule) => {
        const text = ruleText(rule);
        expect(parseRule(text), text).toEqual(rule);
        expect(ruleText(parseRule(text))).toBe(text);
      }),
      { seed: Number(process.env.FUSE_RIG_SEED ?? 5), numRuns: 1000 },
    );
  });

  it.each([
    [
      'READ,WRITE:cqe=ENOTCONN:when=3..9+2',
      { messages: [READ, WRITE], when: { first: 3, last: 9, step: 2 } },
    ],
    ['read=EINTR', { errno: 'EINTR', when: { first: 1, last: FOR_EVER, step: 1 } }],
    ['read=EINTR:when=4', { when: { first: 4, last: 4, step: 1 } }],
    ['read=EINTR:when=4+2', { when: { first: 4, last: FOR_EVER, step: 2 } }],
    ['read=EINTR:when=4..', { when: { first: 4, last: FOR_EVER, step: 1 } }],
    ['*:write=EFAULT:size=4096..', { messages: '*', size: { first: 4096, last: FOR_EVER } }],
    ['abort:at=cqe-before-commit:when=2', { times: 1, when: { first: 2, last: 2, step: 1 } }],
    ['abort:at=commit', { when: { first: 1, last: 1, step: 1 } }],
    [
      'WRITE:space=4096:at=asked:until=3:when=2',
      { amount: 4096, until: 3, when: { first: 2, last: 2, step: 1 } },
    ],
    ['READ:hold=3', { value: 3, when: { first: 1, last: FOR_EVER, step: 1 } }],
    ['READ,WRITE:interrupt=twice:when=4..', { value: 'twice' }],
    ['sigterm=twice:at=delivered:inflight=3', { times: 2, inflight: { first: 3, last: 3 } }],
    ['read:at=read', undefined],
  ])('reads %s', (text, expected) => {
    if (expected === undefined) expect(() => parseRule(text)).toThrow(RuleError);
    else expect(parseRule(text)).toMatchObject(expected);
  });
});

/** Text, the column that is named, and what the message must say. */
const MALFORMED: readonly (readonly [string, number, RegExp])[] = [
  ['', 1, /empty; write one such as/],
  ['   ', 1, /empty/],
  [':', 1, /nothing between two colons/],
  ['READ:', 6, /nothing between two colons/],
  ['READ::read=EINTR', 6, /nothing between two colons/],
  ['read=EINTR:', 12, /nothing between two colons/],
  ['READ', 5, /no fault behind the messages; add one: read /],
  ['READ,WRITE', 11, /no fault behind the messages/],
  ['*', 2, /no fault behind the messages/],
  ['READ read=EINTR', 5, /a space in a rule; leave it out/],
  ['read=EINTR:when=3 ', 18, /a space/],
  ['RAED:read=EINTR', 1, /no opcode "RAED"/],
  ['READS:read=EINTR', 1, /no opcode "READS"; did you mean READ\?/],
  ['READ,:read=EINTR', 6, /an opcode is missing/],
  [',READ:read=EINTR', 1, /an opcode is missing/],
  ['READ,,WRITE:read=EINTR', 6, /an opcode is missing/],
  ['READ,*:read=EINTR', 6, /\* beside opcodes/],
  ['READ,READ:read=EINTR', 6, /READ twice/],
  ['READ;WRITE:read=EINTR', 1, /no opcode "READ;WRITE"/],
  ['99:read=EINTR', 1, /no opcode "99"/],
  ['abrot:at=delivered', 1, /no fault "abrot"; did you mean abort\?/],
  ['READ:raed=EINTR', 6, /no fault "raed"; did you mean read\?/],
  ['frobnicate', 1, /no fault "frobnicate"; faults are read, /],
  ['when=3:read=EINTR', 1, /no fault "when"; a matcher stands behind the fault/],
  ['at=delivered:abort', 1, /a matcher stands behind the fault/],
  ['READ:WRITE:read=EINTR', 6, /no fault "WRITE"; opcodes are joined by commas/],
  ['read', 5, /read without an errno; write read=EINTR, or one of/],
  ['read=', 6, /read without an errno/],
  ['read=EFOO', 6, /read does not end with "EFOO"; .*EINTR/],
  ['read=eintr', 6, /read does not end with "eintr"; did you mean EINTR\?/],
  ['read=-4', 6, /read does not end with "-4"/],
  ['read=ENOTCONN', 6, /read does not end with "ENOTCONN"/],
  ['cqe=ENODEV', 5, /cqe does not end with "ENODEV"/],
  ['cqe=ENOTCON', 5, /did you mean ENOTCONN\?/],
  ['read=EINTR=EIO', 6, /read does not end with "EINTR=EIO"/],
  ['read=EINTR:write=EIO', 12, /a second fault, write; write a rule for each/],
  ['read=EINTR:abort', 12, /a second fault, abort/],
  ['read=EINTR:wen=3', 12, /no matcher "wen"; did you mean when\?/],
  ['read=EINTR:frobnicate=3', 12, /no matcher "frobnicate"; matchers are when, /],
  ['read=EINTR:when', 16, /when without a value; write for instance when=3/],
  ['read=EINTR:when=', 17, /when without a value/],
  ['read=EINTR:when=3:when=4', 19, /when= a second time/],
  ['read=EINTR:when=0', 17, /when=0; count from 1/],
  ['read=EINTR:when=0..3', 17, /count from 1/],
  ['read=EINTR:when=-1', 17, /"-1" is no number/],
  ['read=EINTR:when=three', 17, /"three" is no number/],
  ['read=EINTR:when=3.5', 17, /"3.5" is no number/],
  ['read=EINTR:when=3...9', 20, /".9" is no number/],
  ['read=EINTR:when=9..3', 20, /3 comes before 9; write the smaller first/],
  ['read=EINTR:when=3+', 19, /"" is no number; write a step/],
  ['read=EINTR:when=3+0', 19, /a step of 0/],
  ['read=EINTR:when=3+x', 19, /"x" is no number/],
  ['read=EINTR:when=+2', 17, /"" is no number/],
  ['read=EINTR:when=..3', 17, /"" is no number/],
  ['read=EINTR:when=0x3', 17, /"0x3" is no number/],
  ['read=EINTR:when=99999999999999999999', 17, /too large/],
  ['read=EINTR:size=', 17, /size without a value/],
  ['read=EINTR:size=4k', 17, /"4k" is no number/],
  ['read=EINTR:nodeid=x', 19, /"x" is no number/],
  ['read=EINTR:inflight=9..1', 24, /1 comes before 9/],
  ['read=EINTR:phase=steady', 18, /no such word, "steady"; phases are init, setup, run/],
  ['read=EINTR:phase=rum', 18, /did you mean run\?/],
  ['read=EINTR:transport=usb', 22, /no such word, "usb"; transports are device, ring/],
  ['read=EINTR:transport=ring', 12, /read means nothing on the ring; it belongs to the device/],
  ['cqe=EAGAIN:transport=device', 12, /cqe means nothing on the device/],
  ['read=EINTR:queue=0', 12, /read has no queue; leave queue= out/],
  ['read=EINTR:entry=0', 12, /read has no queue/],
  ['register=EINVAL:entry=0', 17, /register knows no entry yet/],
  ['abort:at=commit:entry=0', 17, /at=commit knows no entry yet/],
  ['mount=EPERM:queue=1', 13, /mount has no queue/],
  ['READ:mount=EPERM', 1, /mount is about no message to choose by; leave the opcodes out/],
  ['READ:register=EINVAL', 1, /register is about no message/],
  ['mount=EPERM:nodeid=1', 13, /mount is about no message/],
  ['clone=EINVAL:inflight=1', 14, /clone is about no message/],
  ['READ:abort:at=before-init', 1, /at=before-init is about no message/],
  ['abort:at=registered:size=1', 21, /at=registered is about no message/],
  ['read=EINTR:at=delivered', 12, /at= with read; .*leave at= out/],
  ['abort', 6, /abort without a point; add for instance at=delivered; points are/],
  ['abort:when=3', 13, /abort without a point/],
  ['abort:at', 9, /at without a value/],
  ['abort:at=', 10, /at without a value/],
  ['abort:at=delivred', 10, /no point "delivred"; did you mean delivered\?/],
  ['abort:at=nowhere', 10, /no point "nowhere"; points are before-init/],
  ['abort:at=commit:at=delivered', 17, /at= a second time/],
  ['abort=thrice:at=commit', 7, /write abort, or abort=twice/],
  ['abort=:at=commit', 7, /write abort, or abort=twice/],
  ['abort=EIO:at=commit', 7, /write abort, or abort=twice/],
  ['abort:at=commit:transport=device', 17, /at=commit means nothing on the device/],
  ['abort:at=reply-write:transport=ring', 22, /at=reply-write means nothing on the ring/],
  ['fds', 4, /fds without a number; write fds=0 for none/],
  ['fds=', 5, /fds without a number/],
  ['fds=:at=asked', 5, /fds without a number/],
  ['fds=EMFILE:at=asked', 5, /"EMFILE" is no number; write fds=0/],
  ['fds=-1:at=asked', 5, /"-1" is no number/],
  ['fds=1.5:at=asked', 5, /"1.5" is no number/],
  ['fds=3', 6, /fds without a point; add for instance at=delivered/],
  ['fds=3:at=nowhere', 10, /no point "nowhere"/],
  ['fds=3:at=asked:until', 21, /until without a value; write for instance until=3/],
  ['fds=3:at=asked:until=', 22, /until without a value/],
  ['fds=3:at=asked:until=0', 22, /until=0; count from 1/],
  ['fds=3:at=asked:until=x', 22, /"x" is no number; write until=3/],
  ['fds=3:at=asked:until=2..3', 22, /"2..3" is no number/],
  ['fds=3:at=asked:until=1:until=2', 24, /until= a second time/],
  ['fds=twice:at=asked', 5, /"twice" is no number/],
  ['memory=4k:at=asked', 8, /"4k" is no number; .*bytes of address space more/],
  ['READ:locked=0:at=before-init', 1, /at=before-init is about no message/],
  ['space=0:at=registered:transport=device', 23, /at=registered means nothing on the device/],
  ['abort:at=commit:until=3', 17, /until= with abort; only a quota is given back/],
  ['read=EINTR:until=3', 12, /until= with read; .*bound it by when=/],
  ['until=3:fds=0', 1, /no fault "until"; a matcher stands behind the fault/],
  ['mlock=ENOSPC', 7, /mlock does not end with "ENOSPC"/],
  ['backing-write=ENOSPCE', 15, /did you mean ENOSPC\?/],
  ['open=EMFILE:at=asked', 13, /at= with open; .*leave at= out/],
  ['open=EMFILE:queue=0', 13, /open has no queue/],
  ['hold', 5, /hold without a value; write hold=1/],
  ['hold=0', 6, /hold=0; write a number, 1 to 1048576/],
  ['hold=many', 6, /"many" is no number; write a number, 1 to/],
  ['hold=2:at=asked', 8, /at= with hold/],
  ['hold=2:entry=1', 8, /hold knows no entry yet/],
  ['migrate=1:transport=device', 11, /migrate means nothing on the device/],
  ['migrate=64', 9, /migrate=64; write a number, 0 to 63/],
  ['interrupt', 10, /interrupt without a value; write interrupt=early/],
  ['interrupt=soon', 11, /interrupt has no "soon"; it is one of early, late, twice/],
  ['interrupt=erly', 11, /did you mean early\?/],
  ['malformed=shrt', 11, /did you mean short\?/],
  ['not-offered=READDIRPLUS', 13, /not-offered has no "READDIRPLUS"/],
  ['not-offered=INIT_EXT', 13, /not-offered has no "INIT_EXT"/],
  ['READ:readahead=0', 1, /readahead is about no message/],
  ['max-pages=1', 11, /max-pages=1; write a number, 32 to 65535/],
  ['clone-loss:at=commit', 15, /clone-loss means nothing at commit; it belongs to the device/],
  ['clone-loss:at=delivered:transport=ring', 25, /clone-loss means nothing on the ring/],
  ['clone-loss:at=delivered:queue=0', 25, /at=delivered has no queue/],
  ['abort:at=delivered:queue=1:transport=device', 20, /the device has no queue; leave queue=/],
  ['abort:at=delivered:transport=device:entry=1', 37, /the device has no entry; leave entry=/],
  ['read=\u009b31m', 6, /read does not end with "\\u\{9b\}31m"/],
  ['read=\u202eEINTR', 6, /"\\u\{202e\}EINTR"; did you mean EINTR\?/],
  [`${'x'.repeat(5000)}`, 4097, /a rule of 5000 characters/],
  ['read=\u001b[31mEINTR', 6, /read does not end with "\\u001b\[31mEINTR"/],
];

describe('what is no rule', () => {
  it.each(
    MALFORMED.map(([text, column, says]) => ({
      text: text.slice(0, 60),
      whole: text,
      column,
      says,
    })),
  )('is refused with its column and a hint: $text', ({ whole, column, says }) => {
    let error: unknown;
    try {
      parseRule(whole);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(RuleError);
    const { message } = error as RuleError;
    expect(message).toMatch(says);
    expect(message).toMatch(/^column \d+: [^\n]+; [^\n]+$/);
    expect(message.startsWith(`column ${column}:`), message).toBe(true);
  });

  it('is refused as such, whatever it is', () => {
    const piece = fc.constantFrom(
      ...[
        'READ',
        'read',
        'abort',
        'cqe',
        'at',
        'when',
        '=',
        ':',
        ',',
        '..',
        '+',
        '3',
        '*',
        'EINTR',
      ],
      ...['delivered', 'é', '\0', '-', 'size', 'phase', 'run', '__proto__', 'constructor'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          parseRule(pieces.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(RuleError);
        }
      }),
      { seed: Number(process.env.FUSE_RIG_SEED ?? 5), numRuns: 3000 },
    );
  });
});
