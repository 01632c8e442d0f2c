/**
 * A plan: a seed and the rules of one run. From the command line, or from a YAML file that
 * faults/plan.schema.json describes:
 *
 *     seed: 7
 *     rules:
 *       - READ:read=EINTR:when=3
 *       - fault: abort
 *         at: cqe-before-commit
 *         when: 2
 */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { parseRule } from './parse.ts';
import type { Rule } from './rule.ts';
import { didYouMean, PlanError, quoted, RuleError } from './rule_error.ts';
import { RULE_KEYS } from './schema.ts';

export interface Plan {
  /** Seed of what is generated; a run only counts. */
  readonly seed: number | undefined;
  readonly rules: readonly Rule[];
}

/** Longer files are no plans. */
const FILE_MAX = 1 << 20;
const RULES_MAX = 1000;

/** A piece of a rule's text and where it stands in the file. */
interface Piece {
  readonly text: string;
  readonly node: Node | null | undefined;
}

/** Reads one plan file; `name` is how errors call it. */
export class PlanFile {
  readonly #name: string;
  readonly #lines = new LineCounter();

  constructor(name: string) {
    this.#name = name;
  }

  read(text: string): Plan {
    if (text.length > FILE_MAX)
      this.#refuse(undefined, 'larger than 1 MiB', 'a plan is a few rules');
    const document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true });
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      const what = error.message.split('\n')[0]?.replace(/ at line \d+.*$/, '') ?? 'no YAML';
      throw new PlanError(`${this.#name}:${line}:${col}: ${what}; see faults/plan.schema.json`);
    }
    const top = document.contents;
    if (!isMap(top)) {
      return this.#refuse(top, 'no map of keys', 'begin with rules: and a list of them');
    }
    this.#onlyKeys(top, ['seed', 'rules'], 'a plan has');
    const rules = top.get('rules', true) as Node | undefined;
    if (!isSeq(rules)) {
      return this.#refuse(
        rules ?? top,
        'no list of rules',
        'write rules: and a line - RULE for each',
      );
    }
    if (rules.items.length === 0) this.#refuse(rules, 'no rule in rules', 'write at least one');
    if (rules.items.length > RULES_MAX) {
      this.#refuse(rules, `${rules.items.length} rules`, `use ${RULES_MAX} at most`);
    }
    return {
      seed: this.#seed(top.get('seed', true) as Node | undefined),
      rules: rules.items.map((item) => this.#rule(item as Node)),
    };
  }

  #seed(node: Node | undefined): number | undefined {
    if (node === undefined) return undefined;
    const value = isScalar(node) ? node.value : undefined;
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    return this.#refuse(node, 'seed is no whole number', 'write for instance seed: 7');
  }

  #rule(node: Node): Rule {
    if (isScalar(node)) {
      if (typeof node.value !== 'string') {
        return this.#refuse(node, 'a rule that is no text', 'write for instance - READ:read=EINTR');
      }
      return this.#parse([{ text: node.value, node }]);
    }
    if (!isMap(node))
      return this.#refuse(node, 'a rule that is no text and no map', 'see the schema');
    this.#onlyKeys(node, RULE_KEYS, 'a rule has');
    const fault = node.get('fault', true) as Node | undefined;
    if (fault === undefined)
      this.#refuse(node, 'a rule without fault:', 'add for instance fault: read');
    const pieces: Piece[] = [];
    const messages = node.get('messages', true) as Node | undefined;
    if (messages !== undefined) pieces.push({ text: this.#messages(messages), node: messages });
    const value = node.get('value', true) as Node | undefined;
    const named = this.#word(fault, 'fault');
    const outcome = value === undefined ? named : `${named}=${this.#word(value, 'value')}`;
    pieces.push({ text: outcome, node: value ?? fault });
    for (const key of RULE_KEYS) {
      const given = node.get(key, true) as Node | undefined;
      if (given === undefined || ['fault', 'messages', 'value'].includes(key)) continue;
      pieces.push({ text: `${key}=${this.#word(given, key)}`, node: given });
    }
    return this.#parse(pieces);
  }

  #messages(node: Node): string {
    if (!isSeq(node)) return this.#word(node, 'messages');
    if (node.items.length === 0)
      this.#refuse(node, 'no opcode in messages', 'name one, or leave it out');
    return node.items.map((item) => this.#word(item as Node, 'messages')).join(',');
  }

  /** A scalar as the grammar would have it. */
  #word(node: Node | undefined, key: string): string {
    const value = isScalar(node) ? node.value : undefined;
    const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
    if (text === '' || /[:\s]/.test(text)) {
      this.#refuse(node, `${key}: is no single word`, 'write a word or a number');
    }
    return text;
  }

  #parse(pieces: readonly Piece[]): Rule {
    try {
      return parseRule(pieces.map(({ text }) => text).join(':'));
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      let left = error.offset;
      const at = pieces.find(({ text }) => {
        left -= text.length + 1;
        return left < 0;
      });
      return this.#refuse((at ?? pieces.at(-1))?.node, error.what, error.hint);
    }
  }

  #onlyKeys(node: Node, keys: readonly string[], wanted: string): void {
    if (!isMap(node)) return;
    for (const { key } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      if (keys.includes(name)) continue;
      this.#refuse(key as Node, `no such key, ${quoted(name)}`, didYouMean(name, keys, wanted));
    }
  }

  #refuse(node: Node | null | undefined, what: string, hint: string): never {
    const { line, col } = this.#lines.linePos(node?.range?.[0] ?? 0);
    const where = line === 0 ? '1:1' : `${line}:${col}`;
    throw new PlanError(`${this.#name}:${where}: ${what}; ${hint}`);
  }
}

export const parsePlan = (text: string, name: string): Plan => new PlanFile(name).read(text);
