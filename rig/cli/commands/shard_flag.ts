/** `--shard i/n`, the same for every command that takes it. */
import type { Shard } from '../../cases/run.ts';

/** Undefined: it is none. */
export function shardOf(text: string): Shard | undefined {
  const [, index = '', count = ''] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  return shard.index >= 1 && shard.index <= shard.count ? shard : undefined;
}
