// What setup says and does on a machine that has none of the servers: PATH is empty, and so is
// the cache of built ones.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtProgram } from '../run.ts';
import { allServers, serverNamed } from './servers.ts';
import { setUpServers } from './setup.ts';

const before = { ...process.env };
beforeEach(() => {
  process.env.PATH = '/nonexistent';
  process.env.XDG_CACHE_HOME = '/nonexistent';
  process.env.FUSE_RIG_NO_INSTALL = '1';
  delete process.env.FUSE_RIG_FORBID_SKIPS;
});
afterEach(() => {
  process.env = { ...before };
});

describe('setUpServers', () => {
  it('names every server it skips, and why', async () => {
    const lines: string[] = [];
    const { skipped } = await setUpServers((line) => lines.push(line));
    const foreign = allServers
      .filter(({ packages }) => packages.length > 0)
      .map(({ name }) => name);
    expect([...skipped.keys()]).toEqual(expect.arrayContaining(foreign));
    expect(lines.find((line) => line.startsWith('server bindfs'))).toMatch(
      /SKIPPED: bindfs not installed$/,
    );
    expect(lines.at(-1)).toMatch(/^SKIPPED \d+ of \d+ servers\. FUSE_RIG_NO_INSTALL is set$/);
  });

  it('makes a skipped server an error where skips are forbidden', async () => {
    process.env.FUSE_RIG_FORBID_SKIPS = '1';
    await expect(setUpServers(() => undefined)).rejects.toThrow(
      /FUSE_RIG_FORBID_SKIPS is set: .*bindfs/,
    );
  });

  it('needs nothing installed for the reference servers', async (context) => {
    context.skip(builtProgram('fuse-rig-server') === undefined, 'not built: npm run build');
    const { skipped } = await setUpServers(() => undefined);
    expect(skipped.get('reference-memory') ?? '').not.toMatch(/installed/);
  });
});

describe('serverNamed', () => {
  it('finds a recipe, or says which there are', () => {
    expect(serverNamed('bindfs').name).toBe('bindfs');
    expect(() => serverNamed('nothing')).toThrow(/no server named nothing; there are .*bindfs/);
  });
});
