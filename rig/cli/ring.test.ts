/**
 * A capture of the device replayed into a server with rings: what the checks say of a run in which
 * nothing is wrong. They see every event in its order; one that saw requests before the replies that
 * made them due would find nothing to verify, or find mistakes that nobody made.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, type TestContext } from 'vitest';
import { Place, SERVER } from './testing/place.ts';

const DEMO = fileURLToPath(new URL('../../corpus/demo/demo.fusecap', import.meta.url));

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

function needsRings(context: TestContext): void {
  let disabled = '0';
  try {
    disabled = readFileSync('/proc/sys/kernel/io_uring_disabled', 'utf8').trim();
  } catch {
    // Before Linux 6.6 it cannot be.
  }
  context.skip(disabled !== '0', `kernel.io_uring_disabled is ${disabled}`);
}

it.for([[], ['--ring-replies', 'worker'], ['--ring-threads', 'one']])(
  'passes every check, started %j',
  async (options, context) => {
    needsRings(context);
    const server = [SERVER, '--fs', 'memory', '--transport', 'ring', ...options, '{mountpoint}'];
    const flags = ['--json', '--cpus', '2', '--poison', 'full'];
    const { stdout } = await place.type(['replay', DEMO, ...flags, '--', ...server]);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ ring: { queues: 2, requests: 54 }, unsupported: [] });
    const texts = result.findings.map(
      ({ check, verdict, text }: Record<string, string>) => `${verdict} ${check}: ${text}`,
    );
    expect(texts).toEqual([
      'pass divergence: 54 replies as captured',
      'pass conformance: 55 replies taken',
      'pass negotiation: 1 connections agreed to what was offered',
      'pass content: 32 blocks read back as written',
      'pass ownership: 16 entries in 2 queues, 54 requests, 54 committed',
      'pass mounts: 1 mounts, 0 unmounts by the server',
      expect.stringMatching(/^pass descriptors: \d+ descriptors at the beginning, \d+ at the end$/),
      'pass termination: exit 0, nothing left',
    ]);
  },
);
