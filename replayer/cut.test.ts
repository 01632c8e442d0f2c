// What is left of a capture when requests are taken out of it, and that it still replays.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativePath } from '../native/load.ts';
import { CaptureReader } from '../recorder/capture/reader.ts';
import { opName } from '../rig/protocol/opcodes.ts';
import { cutCapture, requestsOf } from './cut.ts';
import { replay } from './replay.ts';

const BRIEF = fileURLToPath(
  new URL('../corpus/cases/reference-memory-brief/capture.fusecap', import.meta.url),
);
const COMMAND = [nativePath('fuse-rig-server'), '--fs', 'memory', '{mountpoint}'];
const HOOKS = { progress: () => {}, stops: () => 0, started: () => {} };

let dir: string;
let cut: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fuse-rig-cut-'));
  cut = join(dir, 'cut.fusecap');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const requests = requestsOf(BRIEF);
const named = (name: string) => requests.filter(({ opcode }) => opName(opcode) === name);

/** The requests, and all that they build on. */
function withNeeds(...indices: number[]): Set<number> {
  const left = new Set<number>(requests.filter(({ kept }) => kept).map(({ index }) => index));
  const add = (index: number): void => {
    left.add(index);
    for (const need of requests[index - 1]?.needs ?? []) add(need);
  };
  for (const index of indices) add(index);
  return left;
}

const kindsOf = (path: string) => {
  const reader = CaptureReader.open(path);
  const events = [...reader.events()];
  reader.close();
  return events;
};

describe('the requests of a capture', () => {
  it('are numbered in its order, INIT the first and kept', () => {
    expect(requests.map(({ index }) => index)).toEqual(requests.map((_, i) => i + 1));
    expect(requests.filter(({ kept }) => kept).map(({ opcode }) => opName(opcode))).toEqual([
      'INIT',
    ]);
  });

  it('build on those that brought their nodes and handles', () => {
    const [mkdir] = named('MKDIR');
    const [create] = named('CREATE');
    const [write] = named('WRITE');
    const [release] = named('RELEASE');
    expect(create?.needs).toContain(mkdir?.index);
    expect(write?.needs).toEqual([create?.index]);
    expect(release?.needs).toEqual([create?.index]);
    for (const { index, needs } of requests) expect(needs.every((need) => need < index)).toBe(true);
  });
});

describe('a capture that was cut', () => {
  it('holds what was left, its replies, and all else', () => {
    const [write] = named('WRITE');
    const left = withNeeds(write?.index ?? 0);
    cutCapture(BRIEF, cut, left);
    const events = kindsOf(cut);
    expect(requestsOf(cut).map(({ opcode }) => opName(opcode))).toEqual([
      'INIT',
      'MKDIR',
      'CREATE',
      'WRITE',
    ]);
    expect(events.filter(({ kind }) => kind === 'reply')).toHaveLength(left.size);
    const others = (path: string) =>
      kindsOf(path).filter(({ kind }) => !['request', 'reply', 'end'].includes(kind));
    expect(others(cut)).toEqual(others(BRIEF));
    expect(events.at(-1)).toMatchObject({ kind: 'end', requests: left.size });
  });

  it('replays as the whole one did', async () => {
    const wanted = [...named('WRITE'), ...named('READ')].map(({ index }) => index);
    cutCapture(BRIEF, cut, withNeeds(...wanted));
    const result = await replay({ capture: cut, command: COMMAND, end: 'unmount' }, HOOKS);
    expect(result.findings.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(result.requests).toBe(requestsOf(cut).length);
  });

  it('may be no more than INIT', async () => {
    cutCapture(BRIEF, cut, withNeeds());
    const result = await replay({ capture: cut, command: COMMAND, end: 'unmount' }, HOOKS);
    expect(result.findings.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(result.requests).toBe(1);
  });
});
