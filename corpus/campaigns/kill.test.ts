/**
 * A few moments of the campaign (`npm run campaign:kill` has a hundred of each): whoever is killed,
 * nothing captured is lost and nothing is left. And that the looks at leftovers see what is there.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, vi } from 'vitest';
import { whyNotOffered } from '../../rig/testing/offer_ring.ts';
import { missingDevice } from '../servers/recipe.ts';
import { Ground, until } from './ground.ts';
import { TRANSPORTS } from './moment_servers.ts';
import { KINDS, oneMoment } from './moments.ts';

vi.setConfig({ testTimeout: 120_000 });

const SEED = Number(process.env.FUSE_RIG_SEED ?? 1);
const MOMENTS = Number(process.env.FUSE_RIG_MOMENTS ?? 3);

describe(`kill -9 (seed ${SEED})`, () => {
  const all = KINDS.flatMap((kind) => TRANSPORTS.map((transport) => [kind, transport] as const));
  it.for(all)(
    `of the %s, server by the %s, ${MOMENTS} times: nothing lost, nothing left`,
    async ([kind, transport], context) => {
      const why = missingDevice() ?? (transport === 'ring' ? whyNotOffered() : undefined);
      context.skip(why !== undefined, why);
      for (let i = 0; i < MOMENTS; i++) {
        const { wrong } = await oneMoment(kind, SEED + i, transport);
        const words = `--kind ${kind} --transport ${transport} --runs 1 --seed ${SEED + i}`;
        expect(wrong, `npm run campaign:kill -- ${words}`).toEqual([]);
      }
    },
  );
});

describe('the ground', () => {
  it('sees processes and files that were left, and removes them', async () => {
    const ground = new Ground();
    const child = execa('sleep', ['600'], { env: ground.env, reject: false });
    writeFileSync(join(ground.tmp, 'forgotten'), '');
    // Until it has become sleep it carries our own environment.
    expect(await until(10, () => ground.processes('sleep').length === 1)).toBeDefined();
    expect(ground.leftovers()).toEqual([
      `process ${child.pid} (sleep 600)`,
      `file ${join(ground.tmp, 'forgotten')}`,
    ]);
    await ground.remove();
    expect((await child).signal).toBe('SIGKILL');
    expect(existsSync(ground.dir)).toBe(false);
  });

  it('gives up waiting for what does not come', async () => {
    expect(await until(0.02, () => false)).toBeUndefined();
  });
});
