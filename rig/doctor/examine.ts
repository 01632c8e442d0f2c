/** Every probe group, and what they come to: whether this machine can replay, and record. */
import { release } from 'node:os';
import { rigVersion } from '../version.ts';
import { launchingGroup } from './launching.ts';
import { mountingGroup } from './mounting.ts';
import type { Need, Probed, ProbeGroup } from './probe.ts';
import { profileGroup } from './profile.ts';
import { ringGroup } from './ring.ts';
import { seamGroup } from './seam.ts';
import { toolsGroup } from './tools.ts';

export const GROUPS: readonly ProbeGroup[] = [
  launchingGroup,
  seamGroup,
  mountingGroup,
  ringGroup,
  profileGroup,
  toolsGroup,
];

export interface Ability {
  ok: boolean;
  /** Names of the probes that are missing. */
  lacks: string[];
}

export interface Examination {
  rig: string;
  kernel: string;
  node: string;
  uid: number;
  groups: { title: string; probes: Probed[] }[];
  replay: Ability;
  /** Recording needs everything that replay needs. */
  record: Ability;
}

function ability(all: readonly Probed[], needs: readonly Need[]): Ability {
  const needed = all.filter(({ need }) => needs.includes(need));
  return {
    ok: needed.every(({ state }) => state === 'ok'),
    lacks: needed.filter(({ state }) => state === 'missing').map(({ name }) => name),
  };
}

export function examine(groups: readonly ProbeGroup[] = GROUPS): Examination {
  const looked = groups.map((group) => ({ title: group.title, probes: group.look() }));
  const all = looked.flatMap((group) => group.probes);
  return {
    rig: rigVersion(),
    kernel: release(),
    node: process.version,
    uid: process.geteuid?.() ?? 0,
    groups: looked,
    replay: ability(all, ['replay']),
    record: ability(all, ['replay', 'record']),
  };
}
