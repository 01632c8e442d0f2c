/** `replay --kernel` as it is typed: what the model does by it, and what the capture of such a run says. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { namesOf, recordedSwitches, VERSIONS } from '../kernel/versions.ts';
import { OP } from '../protocol/opcodes.ts';
import { Place, SERVER, SMALL } from './testing/place.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const server = ['--', SERVER, '--fs', 'memory', '{mountpoint}'];

/** The switches a kept run names, its kernel, and the pid in its INIT. */
async function kept(capture: string, name: string, ...args: string[]) {
  const path = place.at(name);
  const { exitCode, stderr } = await place.type([
    'replay',
    capture,
    ...args,
    '--keep',
    path,
    ...server,
  ]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const reader = CaptureReader.open(path);
  const messages = [...reader.events()].flatMap((e) =>
    e.kind === 'request' ? [Buffer.from(e.bytes)] : [],
  );
  reader.close();
  const init = messages.find((bytes) => bytes.readUInt32LE(4) === OP.INIT.opcode);
  const { kernel, abi } = reader.begin;
  return { kernel, abi, switches: recordedSwitches(reader.begin), pid: init?.readUInt32LE(32) };
}

describe('fuse-rig replay --kernel', () => {
  it.each(['6.18', '7.1', '7.3'] as const)(
    '%s: the model is that one, and the kept run says so',
    async (version) => {
      const run = await kept(SMALL, 'run.fusecap', '--kernel', version);
      expect(run).toMatchObject({ kernel: version, switches: VERSIONS[version] });
      expect(run.abi).toEqual(['uring', ...namesOf(VERSIONS[version])]);
      // The thread that mounts is named from 7.3 on.
      if (VERSIONS[version].backgroundNamesCaller) expect(run.pid).toBeGreaterThan(0);
      else expect(run.pid).toBe(0);
    },
  );

  it('a kept run is played as it was made, not as this machine’s kernel would', async () => {
    const first = await kept(SMALL, 'run.fusecap', '--kernel', '7.3', '--transport', 'device');
    const again = await kept(place.at('run.fusecap'), 'again.fusecap');
    expect(first.abi[0]).toBe('uring-off');
    expect(again).toMatchObject({ kernel: '7.3', switches: VERSIONS['7.3'] });
    expect(again.pid).toBeGreaterThan(0);
  });

  it('without it the kept run names the switches of the capture that was played', async () => {
    const reader = CaptureReader.open(SMALL);
    const { kernel } = reader.begin;
    const switches = recordedSwitches(reader.begin);
    reader.close();
    expect(await kept(SMALL, 'run.fusecap')).toMatchObject({ kernel, switches });
  });

  it('refuses a release that it does not know', async () => {
    const { exitCode, stderr } = await place.type(['replay', SMALL, '--kernel', '5.4', ...server]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/'5\.4' is invalid\. Allowed choices are 6\.18, 7\.1, 7\.3/);
  });
});
