import { readdirSync, readFileSync } from 'node:fs';
import { scheduler } from 'node:timers/promises';
// The kernel's account of a server with nothing of ours in between: complete, and closed in itself.
import { afterEach, describe, expect, it } from 'vitest';
import { run } from '../run.ts';
import { abortConnection, type LiveServer, preparePlaces, startVariant } from '../servers/live.ts';
import type { Places } from '../servers/recipe.ts';
import { referenceMemory } from '../servers/reference.ts';
import { runWorkload } from '../workloads/workload.ts';
import { workloads } from '../workloads/workloads.ts';
import { startWitness, type Witness, witnessMissing } from './witness.ts';

const why = witnessMissing() ?? referenceMemory.missing();

let places: (Places & { remove(): void }) | undefined;
let server: LiveServer | undefined;
let witness: Witness | undefined;
afterEach(async () => {
  await server?.end();
  await witness?.stop();
  places?.remove();
  places = server = witness = undefined;
});

describe('the witness', () => {
  it('sees every request of a connection, and its end', async (context) => {
    context.skip(why !== undefined, why);
    witness = await startWitness();
    places = await preparePlaces(referenceMemory);
    server = await startVariant(referenceMemory.variants[0], places);
    const calls = workloads.find(({ name }) => name === 'calls');
    if (calls === undefined) throw new Error('no workload calls');
    await runWorkload(calls, places.mountpoint, 1, 'small');
    const { dev } = server;
    await server.end();
    server = undefined;
    const log = await witness.stop();
    witness = undefined;
    expect(log.lost).toBe(0);
    const mine = log.entries.filter((entry) => entry.dev === dev);
    // A connection that had this number before ours ended before our INIT.
    const init = mine.findLastIndex((entry) => entry.kind === 'send' && entry.opcode === 26);
    const sends = mine.slice(init).filter((entry) => entry.kind === 'send');
    const ends = mine.slice(init).filter((entry) => entry.kind === 'end');
    expect(sends[0]).toMatchObject({ unique: 2n, opcode: 26, len: 104 });
    expect(sends.length).toBeGreaterThan(50);
    const uniques = (entries: typeof mine) =>
      entries.map(({ unique }) => unique).sort((a, b) => (a < b ? -1 : 1));
    expect(uniques(ends)).toEqual(uniques(sends));
  });

  it('tells a withdrawn request from an aborted one', async (context) => {
    context.skip(why !== undefined, why);
    witness = await startWitness();
    places = await preparePlaces(referenceMemory);
    server = await startVariant(referenceMemory.variants[0], places);
    const { dev, pid } = server;
    // Nobody reads requests: both stay pending, one until its caller is killed.
    process.kill(pid, 'SIGSTOP');
    // Until the stop has taken effect the server may still read a request.
    const stopped = (tid: string) =>
      readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8').replace(/^.*\) /, '')[0] === 'T';
    while (!readdirSync(`/proc/${pid}/task`).every(stopped)) await scheduler.wait(1);
    const look = (name: string, timeoutS: number) =>
      run('stat', [`${places?.mountpoint}/${name}`], { timeoutS });
    const waiting = look('aborted', 20);
    const killed = await look('killed-in-the-queue', 0.5);
    expect(killed.ended).toBe('killed');
    abortConnection(dev);
    expect(await waiting).toMatchObject({ code: 1, ended: 'itself' });
    process.kill(pid, 'SIGCONT');
    await server.end();
    server = undefined;
    const log = await witness.stop();
    witness = undefined;
    const mine = log.entries.filter((entry) => entry.dev === dev);
    const ofName = (name: string) => 40 + name.length + 1;
    const uniqueOf = (name: string) =>
      mine.findLast(
        (entry) => entry.kind === 'send' && entry.opcode === 1 && entry.len === ofName(name),
      )?.unique;
    const endOf = (name: string) =>
      mine.findLast((entry) => entry.kind === 'end' && entry.unique === uniqueOf(name));
    expect(uniqueOf('killed-in-the-queue')).toBeDefined();
    expect(endOf('killed-in-the-queue')).toBeUndefined();
    expect(endOf('aborted')).toMatchObject({ len: 0, error: -103 });
  });
});
