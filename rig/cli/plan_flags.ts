/** `--fault RULE` and `--plan FILE`, the same for every command that takes them. */
import { readFileSync, statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { FAULTS } from '../../faults/list.ts';
import { MATCHERS } from '../../faults/matchers.ts';
import { parseRule } from '../../faults/parse.ts';
import { type Plan, parsePlan } from '../../faults/plan.ts';
import { POINTS } from '../../faults/points.ts';
import { needsRing, type Rule, ruleText } from '../../faults/rule.ts';
import { PlanError, quoted, RuleError } from '../../faults/rule_error.ts';
import { refuse } from './commands/print.ts';

export interface PlanFlags {
  fault: string[];
  plan?: string;
}

const rows = (list: readonly { name: string; says: string }[]): string =>
  list.map(({ name, says }) => `  ${name.padEnd(18)} ${says}\n`).join('');

const VALUE = { result: '=ERRNO', teardown: '', quota: '=N', change: '=VALUE' } as const;

/** What a rule is, for --help. */
export const RULE_HELP = `
Faults: [MESSAGES:]FAULT[=VALUE][:MATCHER=VALUE]...
MESSAGES are opcodes, or * for all; without them every request that a client
waits for is meant. An error or a change comes every time, a teardown or a quota the first time, unless
when= says which of the moments that fit the rule: they are counted from 1 over
the whole session. See docs/faults.md.

${rows(FAULTS.map((f) => ({ name: `${f.name}${VALUE[f.kind]}`, says: f.does })))}
Points of teardowns and quotas (at=):
${rows(POINTS.map(({ name, when }) => ({ name, says: when })))}
A quota is given back when until=N requests have been answered since.

Matchers:
${rows(MATCHERS.map(({ name, chooses }) => ({ name: `${name}=`, says: chooses })))}`;

export const addPlanFlags = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--fault <rule>',
        'inject a fault (again for more), such as READ:read=EINTR:when=3',
      )
        .argParser((rule: string, rules: string[]) => [...rules, rule])
        .default([], 'none'),
    )
    .option('--plan <file>', 'inject the faults of a YAML file');

function planFile(path: string): Plan | undefined {
  let text: string;
  try {
    if (!statSync(path).isFile()) throw new Error('no file');
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'it is no file' } = error as NodeJS.ErrnoException;
    refuse(`--plan ${path}: cannot be read: ${code}; name a YAML file with rules`);
    return undefined;
  }
  try {
    return parsePlan(text, path);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    refuse(`--plan ${error.message}`);
    return undefined;
  }
}

function rule(text: string): Rule | undefined {
  try {
    return parseRule(text);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    refuse(`--fault ${quoted(text)}: ${error.message}`);
    return undefined;
  }
}

/** The plan of both flags, the file's rules first; undefined where one cannot be used, which is said. */
export function planOf(flags: PlanFlags): Plan | undefined {
  const file = flags.plan === undefined ? { seed: undefined, rules: [] } : planFile(flags.plan);
  if (file === undefined) return undefined;
  const rules = [...file.rules];
  for (const text of flags.fault) {
    const parsed = rule(text);
    if (parsed === undefined) return undefined;
    rules.push(parsed);
  }
  return { seed: file.seed, rules };
}

/** Whether every rule can mean something where no ring is offered; what cannot is said. */
export function meantForDevice({ rules }: Plan): boolean {
  const lost = rules.find(needsRing);
  if (lost === undefined) return true;
  refuse(
    `${quoted(ruleText(lost))} means nothing with --transport device; leave that out, or the rule`,
  );
  return false;
}
