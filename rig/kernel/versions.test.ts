/** Which switches a release and a capture stand for. */
import { describe, expect, it, test } from 'vitest';
import type { InitFlag } from '../protocol/init-flags.ts';
import { Scene } from './scene.ts';
import { namesOf, recordedSwitches, VERSIONS, type VersionName, versionOf } from './versions.ts';

test.each<[string, VersionName]>([
  ['6.1.0-38-amd64', '6.18.15'],
  ['6.18.15', '6.18.15'],
  ['6.18.44-1-cloud', '6.18'],
  ['6.19.2', '7.1'],
  ['7.1.8', '7.1'],
  ['7.2.12+deb13-amd64', '7.1'],
  ['7.3.4+deb13-cloud-amd64', '7.3'],
  ['8.0', '7.3'],
])('release %s has the ways of %s', (release, version) => {
  expect(versionOf(release)).toBe(version);
});

describe('recordedSwitches', () => {
  const abi = ['uring', ...namesOf(VERSIONS['7.1'])];

  it('takes what the capture names, whatever the release', () => {
    expect(recordedSwitches({ kernel: '6.18.44', abi })).toEqual(VERSIONS['7.1']);
  });

  it('goes by the release where the capture names none', () => {
    expect(recordedSwitches({ kernel: '6.18.44', abi: ['uring'] })).toEqual(VERSIONS['6.18']);
    expect(recordedSwitches({ kernel: '6.18.15', abi: [] })).toEqual(VERSIONS['6.18.15']);
  });

  it('is what is asked for before all', () => {
    expect(recordedSwitches({ kernel: '6.18.44', abi }, '7.3')).toEqual(VERSIONS['7.3']);
  });
});

describe('Linux 7.3', () => {
  const scene = (flags: InitFlag[] = []) => Scene.ready({}, flags, { switches: VERSIONS['7.3'] });

  it('refuses the clients of a refused connection after its end, too', () => {
    const of = (version: VersionName) => {
      const it = Scene.mounted({ switches: VERSIONS[version] });
      it.take();
      it.kernel.abort(it.conn);
      return it.ended(it.ask());
    };
    expect([of('7.3'), of('6.18')]).toEqual(['ECONNREFUSED', 'ENOTCONN']);
  });

  it('tells readers ENODEV after the unmount, aborted or not', () => {
    const it = scene(['ABORT_ERROR']);
    it.kernel.abort(it.conn);
    expect(it.read()).toBe('ECONNABORTED');
    it.kernel.shutdown(it.conn);
    expect(it.read()).toBe('ENODEV');
  });
});
