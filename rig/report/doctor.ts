/** What a person sees of an examination of this machine, and the same as JSON. */
import type { Ability, Examination } from '../doctor/examine.ts';
import type { Probed } from '../doctor/probe.ts';

const NAME_WIDTH = 30;

function probeLines({ name, state, detail, costs, remedy }: Probed): string[] {
  const head = `  ${state.padEnd(7)}  ${name.padEnd(NAME_WIDTH)} ${detail}`.trimEnd();
  if (state !== 'missing') return [head];
  return [head, `           costs   ${costs}`, `           get it  ${remedy}`];
}

function abilityLine(name: string, { ok, lacks }: Ability): string {
  return `${name}  ${ok ? 'works here' : `does not work here; it lacks ${lacks.join(', ')}`}`;
}

export function doctorText(found: Examination): string {
  const who = found.uid === 0 ? 'as root' : `as an ordinary user (uid ${found.uid})`;
  const lines = [
    `fuse-rig ${found.rig}  Linux ${found.kernel}  Node ${found.node}  ${who}`,
    ...found.groups.flatMap((group) => ['', group.title, ...group.probes.flatMap(probeLines)]),
    '',
    abilityLine('replay', found.replay),
    abilityLine('record', found.record),
  ];
  return `${lines.join('\n')}\n`;
}

/** One object; what costs and how to get it only for what is missing. */
export function doctorJson(found: Examination): string {
  const probes = found.groups.flatMap(({ title, probes }) =>
    probes.map(({ costs, remedy, ...rest }) => ({
      group: title,
      ...rest,
      ...(rest.state === 'missing' ? { costs, remedy } : {}),
    })),
  );
  const { groups: _, ...facts } = found;
  return JSON.stringify({ ...facts, probes });
}
