/** A few random sequences of calls; thousands: `npm run fidelity -- --random N --transport device|ring`. */
import { describe, expect, it } from 'vitest';
import { cannotRecord } from '../../../rig/testing/bench_words.ts';
import { askModel } from '../model_side.ts';
import { type AskBoth, askBoth, search, sequences, shrink, type Transport } from './random.ts';

const COUNT = 60;
const SEED = 41;
const why = cannotRecord();
const TRANSPORTS: readonly Transport[] = ['device', 'ring'];

describe('kernel and model', () => {
  it.each(TRANSPORTS)(
    `make the same of random sequences on the %s, seed ${SEED}`,
    async (transport) => {
      // Where there is no /dev/fuse the model is only run.
      const asks: AskBoth =
        why === undefined
          ? askBoth
          : async (probes) => {
              const model = await askModel(probes, { ring: true, version: '6.18' }, true);
              return [model, model];
            };
      expect(await search({ transport, seed: SEED, count: COUNT }, () => {}, asks)).toEqual([]);
    },
    300_000,
  );
});

describe('sequences', () => {
  const said = (transport: Transport, from: number) =>
    sequences(transport, SEED, from, 3).map(({ steps }) => steps.map(({ says }) => says));

  it.each(TRANSPORTS)('of the %s follow from the seed', (transport) => {
    expect(said(transport, 0)).toEqual(said(transport, 0));
    expect(said(transport, 0)[1]).toEqual(said(transport, 1)[0]);
    expect(said(transport, 0)).not.toEqual(said(transport, 3));
  });

  it('are shortened to what is needed for the difference', async () => {
    const [probe] = sequences('device', SEED, 0, 1);
    if (probe === undefined) throw new Error('one was asked for');
    // Two sides that differ wherever INIT is answered and something is read later.
    const ask: AskBoth = async (probes) => {
      const tell = (found: boolean) => ({
        outcomes: [{ step: '', done: {}, asleep: found ? ['t'] : [] }],
      });
      const differs = probes.map(({ steps }) => {
        const at = steps.findIndex(({ says }) => says.startsWith('reply'));
        return (
          at >= 0 && steps.slice(at).some(({ says }) => /^(read|poll|write|reply .)/.test(says))
        );
      });
      return [differs.map(tell), differs.map(() => tell(false))];
    };
    const { steps } = await shrink(probe, 'step 1 ', SEED, ask);
    expect(steps.length).toBeLessThanOrEqual(2);
  });
});
