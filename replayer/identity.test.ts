/** Ids of this run by ids of the capture, and what this run's kernel must forget. */
import { expect, it } from 'vitest';
import { Identity } from './identity.ts';

it('knows the root, and nothing that never came', () => {
  const identity = new Identity();
  expect([identity.node(1n), identity.node(7n)]).toEqual([1n, undefined]);
  // A server that opens nothing answers with handle 0.
  expect([identity.handle(1n, 0n), identity.handle(1n, 5n)]).toEqual([0n, undefined]);
});

it('exchanges nodes and handles; handles are numbered per node', () => {
  const identity = new Identity();
  identity.bindNode(7n, 70n);
  identity.bindHandle(7n, 1n, 100n);
  identity.bindHandle(8n, 1n, 200n);
  expect([identity.node(7n), identity.handle(7n, 1n), identity.handle(8n, 1n)]).toEqual([
    70n,
    100n,
    200n,
  ]);
  const mark = { field: 'f', offset: 0, size: 8 } as const;
  const translated = (role: 'nodeid' | 'fh' | 'cookie', value: bigint) =>
    identity.translate({ ...mark, role, value } as never, 7n);
  expect([translated('nodeid', 7n), translated('fh', 1n), translated('cookie', 9n)]).toEqual([
    70n,
    100n,
    9n,
  ]);
  identity.dropHandle(7n, 1n);
  expect([identity.handle(7n, 1n), identity.handle(8n, 1n)]).toEqual([undefined, 200n]);
});

it('keeps a handle that two opens share until the second is released', () => {
  const identity = new Identity();
  expect([identity.bindHandle(7n, 1n, 100n), identity.bindHandle(7n, 1n, 100n)]).toEqual([1, 2]);
  identity.dropHandle(7n, 1n);
  expect(identity.handle(7n, 1n)).toBe(100n);
  identity.dropHandle(7n, 1n);
  identity.dropHandle(7n, 1n);
  expect(identity.handle(7n, 1n)).toBeUndefined();
});

it('forgets as many lookups, and all when the capture has none left', () => {
  const identity = new Identity();
  for (let i = 0; i < 3; i++) identity.bindNode(7n, 70n);
  expect(identity.forget(7n, 1n)).toEqual([{ nodeid: 70n, nlookup: 1n }]);
  expect(identity.node(7n)).toBe(70n);
  expect(identity.forget(7n, 2n)).toEqual([{ nodeid: 70n, nlookup: 2n }]);
  expect(identity.node(7n)).toBeUndefined();
  expect(identity.forget(7n, 1n)).toEqual([]);
});

it('forgets only what this run looked up', () => {
  const identity = new Identity();
  identity.bindNode(7n, 70n);
  identity.lookedUpOnlyThere(7n);
  // The capture's kernel forgets one of two; this run's has one, which the other may stand for.
  expect(identity.forget(7n, 1n)).toEqual([{ nodeid: 70n, nlookup: 1n }]);
  expect(identity.forget(7n, 1n)).toEqual([]);
  identity.lookedUpOnlyThere(8n);
  expect(identity.forget(8n, 1n)).toEqual([]);
});

it('forgets every node of this run that stands for one of the capture', () => {
  const identity = new Identity();
  identity.bindNode(7n, 70n);
  identity.bindNode(7n, 71n);
  expect(identity.node(7n)).toBe(71n);
  expect(identity.forget(7n, 2n)).toEqual([
    { nodeid: 70n, nlookup: 1n },
    { nodeid: 71n, nlookup: 1n },
  ]);
});

it('never loses the root, and takes no name for an absent one', () => {
  const identity = new Identity();
  identity.bindNode(1n, 1n);
  expect(identity.forget(1n, 1n)).toEqual([]);
  identity.bindNode(0n, 5n);
  identity.bindNode(5n, 0n);
  expect([identity.node(1n), identity.node(0n), identity.node(5n)]).toEqual([
    1n,
    undefined,
    undefined,
  ]);
});
