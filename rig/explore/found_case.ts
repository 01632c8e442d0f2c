/** A group of failures made small, and kept as a case that `fuse-rig corpus run` runs. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { causeOf } from '../../faults/explore/cause.ts';
import type { Group } from '../../faults/explore/groups.ts';
import type { Outcome } from '../../faults/explore/outcome.ts';
import { type Small, shrink } from '../../faults/explore/shrink.ts';
import { parseRule } from '../../faults/parse.ts';
import { type Rule, ruleText } from '../../faults/rule.ts';
import { cutCapture, requestsOf } from '../../replayer/cut.ts';
import { CAPTURE_FILE, CASE_FILE, caseOf } from '../cases/case.ts';
import { observed } from '../cases/expectation.ts';
import { runCase, shown } from '../cases/run_case.ts';
import { newCaseFile, planFile, readmeOf } from '../cases/write.ts';
import { EXIT } from '../engine/exit_codes.ts';
import { makeDirectories } from '../make_directories.ts';
import type { ExploreOptions } from './campaign.ts';

const PLAN_FILE = 'plan.yaml';
/** A command in a README. */
const CODE = '    ';
/** Runs that shrinking may take, and where each takes its time. */
const TRIES = 150;
const TRIES_SLOW = 30;
const SLOW_S = 2;

export interface FoundCase {
  group: Group;
  /** The folder; undefined: no case was made, and why. */
  dir?: string;
  why?: string;
  rules: readonly string[];
  /** Requests of the case's capture, and of the one it was cut from. */
  requests: number;
  of: number;
  tries: number;
  /** The one command that does it again. */
  reproduce: string;
}

type Replay = (capture: string, plan: readonly string[]) => Promise<Outcome>;

/** `termination-3f9c41`: the same for the same cause. */
const nameOf = ({ cause }: Group): string =>
  `${cause.check}-${createHash('sha256').update(cause.key).digest('hex').slice(0, 6)}`;

export class CaseMaker {
  readonly #dir: string;
  readonly #options: ExploreOptions;
  readonly #replay: Replay;
  #control: Promise<string | undefined> | undefined;
  #cuts = 0;

  constructor(dir: string, options: ExploreOptions, replay: Replay) {
    this.#dir = dir;
    this.#options = options;
    this.#replay = replay;
  }

  async make(group: Group): Promise<FoundCase> {
    const { capture } = this.#options;
    const pieces = requestsOf(capture);
    const plan = group.smallest.plan;
    const as = { group, rules: plan, requests: pieces.length, of: pieces.length, tries: 0 };
    const dir = join(this.#dir, nameOf(group));
    // Of an earlier command.
    if (existsSync(dir)) return { ...as, dir, reproduce: again(dir) };
    if (group.cause.check === 'determinism') {
      return { ...as, why: 'which of two runs is the one to keep, nobody can say', reproduce: '' };
    }
    const scratch = mkdtempSync(join(tmpdir(), 'fuse-rig-explore-'));
    try {
      const keyOf = async (path: string, rules: readonly string[]) =>
        causeOf(await this.#replay(path, rules))?.key;
      if ((await keyOf(capture, plan)) !== group.cause.key) {
        return { ...as, why: 'it did not fail so when it was run again', reproduce: '' };
      }
      const small = await this.#smaller(group, scratch, keyOf);
      const cut = join(scratch, CAPTURE_FILE);
      if (small.requests.length === pieces.length) copyFileSync(capture, cut);
      else cutCapture(capture, cut, new Set(small.requests));
      const rules = small.rules.map(ruleText);
      const counts = { requests: small.requests.length, tries: small.tries };
      const written = await this.#write(dir, group, rules, cut);
      return { ...as, ...counts, rules, ...written };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }

  async #smaller(
    { cause, smallest }: Group,
    scratch: string,
    keyOf: (path: string, rules: readonly string[]) => Promise<string | undefined>,
  ): Promise<Small> {
    const { capture } = this.#options;
    const pieces = requestsOf(capture);
    this.#control ??= keyOf(capture, []);
    const control = await this.#control;
    const fails = async (rules: readonly Rule[], left: ReadonlySet<number>) => {
      const whole = left.size === pieces.length;
      const path = whole ? capture : join(scratch, `${++this.#cuts}.fusecap`);
      try {
        if (!whole) cutCapture(capture, path, left);
        if ((await keyOf(path, rules.map(ruleText))) !== cause.key) return false;
        // What is left must still be a session that says the same without the faults.
        return whole || rules.length === 0 || (await keyOf(path, [])) === control;
      } finally {
        if (!whole) rmSync(path, { force: true });
      }
    };
    const most = smallest.outcome.seconds > SLOW_S ? TRIES_SLOW : TRIES;
    return shrink(smallest.plan.map(parseRule), pieces, fails, most);
  }

  /** Writes the case, and runs it as anybody will. */
  async #write(
    dir: string,
    group: Group,
    rules: readonly string[],
    capture: string,
  ): Promise<Pick<FoundCase, 'dir' | 'why' | 'reproduce'>> {
    const { seed, command, ways } = this.#options;
    const { end, serial, transport, poison, cpus } = ways;
    const partial = join(this.#dir, `.${nameOf(group)}.partial`);
    rmSync(partial, { recursive: true, force: true });
    makeDirectories(partial);
    try {
      copyFileSync(capture, join(partial, CAPTURE_FILE));
      if (rules.length > 0) writeFileSync(join(partial, PLAN_FILE), planFile(seed, rules));
      const about = aboutOf(group, rules);
      const written = {
        about,
        ...(rules.length === 0 ? {} : { plan: PLAN_FILE }),
        server: command,
        options: {
          ...(seed === 1 ? {} : { seed }),
          ...(end === 'unmount' ? {} : { end: end as 'force' }),
          ...(serial ? { serial } : {}),
          ...(transport === undefined || transport === 'any' ? {} : { transport }),
          ...(cpus === undefined ? {} : { cpus }),
          ...(poison === undefined || poison === 'used' ? {} : { poison }),
        },
      };
      const draft = newCaseFile({ ...written, expect: { exit: EXIT.pass, checks: {} } });
      const how = ways.root === undefined ? {} : { root: ways.root };
      const result = await runCase(caseOf(nameOf(group), partial, draft), how);
      if (result.replay === undefined) return { why: result.reasons.join('; '), reproduce: '' };
      const expect = observed(result.replay, false);
      writeFileSync(join(partial, CASE_FILE), newCaseFile({ ...written, expect }));
      const reproduce = result.reproduce.replaceAll(shown(partial), shown(dir));
      const readme = readmeOf(nameOf(group), about);
      writeFileSync(
        join(partial, 'README.md'),
        `${readme}\nOne run of it, from where it was found:\n\n${CODE}${reproduce}\n`,
      );
      renameSync(partial, dir);
      return { dir, reproduce };
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
}

/** What a newcomer should know of the case. */
function aboutOf({ cause, synthetic }: Group, rules: readonly string[]): string {
  const when = rules.length === 0 ? 'without any fault' : `under ${rules.join(' and ')}`;
  const label = synthetic ? ' No kernel does this: it is no bug of the server by itself.' : '';
  return `Found by fuse-rig explore, ${when}: ${cause.check}: ${cause.text}.${label}`;
}

/** The command in a case's README. */
function again(dir: string): string {
  const lines = readFileSync(join(dir, 'README.md'), 'utf8').split('\n');
  return lines.find((line) => line.startsWith(CODE))?.trim() ?? '';
}
