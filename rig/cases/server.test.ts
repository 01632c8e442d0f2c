// The command a case starts its server with, and what is expected against what came.
import { describe, expect, it } from 'vitest';
import { differences, verdicts } from './expectation.ts';
import { chooseServer, splitWords } from './server.ts';

describe('words of --server', () => {
  it.each([
    ['./exportd {fixture} {mountpoint}', ['./exportd', '{fixture}', '{mountpoint}']],
    ["  a  'b c'\td\\ e ", ['a', 'b c', 'd e']],
    ['x "a \\"q\\" $b"c', ['x', 'a "q" $bc']],
    ["a '' b", ['a', '', 'b']],
    ["it's", ["it's"]],
    ['', []],
  ])('%s', (text, words) => expect(splitWords(text)).toEqual(words));
});

describe('the server of a case', () => {
  const choose = (own: string[], server?: string[], needs: string[] = []) =>
    chooseServer({ server: own, needs }, server, '/bin/true');

  it('is its own, with {server} the bundled one', () => {
    expect(choose(['sh', '{mountpoint}'])).toEqual({ command: ['sh', '{mountpoint}'] });
    expect(choose(['{server}', '{mountpoint}'])).toEqual({
      command: ['/bin/true', '{mountpoint}'],
    });
    const wrapped = choose(['sh', '-c', 'exec {server} "$0"', '{mountpoint}']);
    expect(wrapped).toMatchObject({ command: ['sh', '-c', 'exec /bin/true "$0"', '{mountpoint}'] });
  });

  it('is looked for in the root that it is started in', () => {
    const [server, root] = [['ls', '{mountpoint}'], { dir: '/var/empty', share: ['/usr/bin'] }];
    const chosen = chooseServer({ server, needs: [] }, undefined, '/bin/true', root);
    expect(chosen).toEqual({ command: server });
    const lacking = chooseServer({ server, needs: ['/bin/sh'] }, undefined, '/bin/true', root);
    expect(lacking).toEqual({ skip: 'not installed in /var/empty: /bin/sh' });
  });

  it('is another command in whole, or another program with options of its own', () => {
    expect(choose(['gone', '{mountpoint}'], ['sh', '{mountpoint}'])).toEqual({
      command: ['sh', '{mountpoint}'],
    });
    expect(choose(['{server}', 'x', '{mountpoint}'], ['sh', '-e'])).toEqual({
      command: ['sh', '-e', 'x', '{mountpoint}'],
    });
    expect(choose(['sh', '{mountpoint}'], ['other'])).toMatchObject({
      skip: expect.stringContaining('the case starts its own: sh'),
    });
  });

  it('is not run where it, or what it needs, is not there', () => {
    expect(choose(['no-such', '{mountpoint}'])).toEqual({ skip: 'not installed: no-such' });
    expect(choose(['sh', '{mountpoint}'], undefined, ['/no/such', 'sh', 'no-such'])).toEqual({
      skip: 'not installed: /no/such, no-such',
    });
  });
});

describe('what is expected', () => {
  const found = (check: string, verdict: 'pass' | 'fail' | 'unknown') => ({
    check,
    verdict,
    text: '',
    details: [],
  });

  it('is held against the worst that a check said', () => {
    const several = [
      found('a', 'fail'),
      found('a', 'pass'),
      found('b', 'unknown'),
      found('b', 'pass'),
    ];
    expect(verdicts(several)).toEqual({ a: 'fail', b: 'unknown' });
  });

  it('names every difference, and nothing that was not asked', () => {
    const got = { exit: 3, checks: { divergence: 'fail', content: 'fail' }, log: 'b' } as const;
    const checks = { divergence: 'pass', newer: 'pass' } as const;
    expect(differences({ exit: 0, checks, log: 'a' }, got)).toEqual([
      'exit 3 (divergence), expected 0 (pass)',
      'divergence: fail, expected pass',
      'no check newer in this fuse-rig, expected pass',
      'log b, expected a',
    ]);
    expect(differences({ exit: 3, checks: { divergence: 'fail' } }, got)).toEqual([]);
  });
});
