/** The workloads, one explicit list, and which of them a server can be given. */
import { onPath } from '../run.ts';
import type { Recipe } from '../servers/recipe.ts';
import { calls } from './calls.ts';
import { concurrent } from './concurrent.ts';
import { dd, direct } from './dd.ts';
import { git } from './git.ts';
import { image } from './image.ts';
import { interrupts } from './interrupts.ts';
import { locks } from './locks.ts';
import { mmap } from './mmap.ts';
import { notifications } from './notifications.ts';
import { readdir } from './readdir.ts';
import { renames } from './renames.ts';
import { tree } from './tree.ts';
import { unlinked } from './unlinked.ts';
import { walk } from './walk.ts';
import type { Workload } from './workload.ts';
import { xattrs } from './xattrs.ts';

export const workloads: readonly Workload[] = [
  walk,
  calls,
  tree,
  git,
  dd,
  direct,
  concurrent,
  xattrs,
  locks,
  mmap,
  readdir,
  renames,
  unlinked,
  interrupts,
  notifications,
  image,
];

/** Why the workload says nothing about this server, or undefined. */
export function unsuited(workload: Workload, recipe: Recipe): string | undefined {
  if (workload.root !== recipe.root) return `${recipe.name} serves a ${recipe.root ?? 'directory'}`;
  const lacking = workload.needs.find((need) => !recipe.capabilities.includes(need));
  if (lacking !== undefined) return `${recipe.name} has no ${lacking}`;
  if (workload.waits && recipe.queuesBlock) {
    return `${recipe.name} has one thread a queue: a call that waits keeps others from being served`;
  }
  const program = workload.programs.find((name) => onPath(name) === undefined);
  return program === undefined ? undefined : `${program} not installed`;
}
