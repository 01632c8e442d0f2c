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
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import { OP_NAMES } from '../rig/protocol/opcodes.ts';
import { parseRule } from './parse.ts';
import type { Rule } from './rule.ts';
import { didYouMean, PlanError, quoted, RuleError } from './rule_error.ts';
import { RULE_KEYS, RULES_MAX } from './schema.ts';

export interface Plan {
  /** Seed of what is generated; a run only counts. */
  readonly seed: number | undefined;
  readonly rules: readonly Rule[];
}

/** Longer files are no plans. */
const FILE_MAX = 1 << 20;

/** A piece of a rule's text, what joins it to the one before, and where it stands in the file. */
interface Piece {
  readonly text: string;
  readonly node: Node | null | undefined;
  readonly joint?: '=' | ',';
}

/** Reads one plan file; `name` is how errors call it. */
export class PlanFile {
  readonly #file: string;
  readonly #lines = new LineCounter();
  #text = '';
  #document: Document | undefined;

  constructor(name: string) {
    this.#file = name;
  }

  read(text: string): Plan {
    if (text.length > FILE_MAX)
      this.#refuse(undefined, 'larger than 1 MiB', 'a plan is a few rules');
    const document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true });
    this.#text = text;
    this.#document = document as Document;
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      const what = error.message.split('\n')[0]?.replace(/ at line \d+.*$/, '') ?? 'no YAML';
      throw new PlanError(`${this.#file}:${line}:${col}: ${what}; see faults/plan.schema.json`);
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

  #rule(item: Node): Rule {
    const node = isAlias(item) ? (item.resolve(this.#document as Document) as Node) : item;
    if (isScalar(node)) {
      if (typeof node.value !== 'string') {
        return this.#refuse(node, 'a rule that is no text', 'write for instance - READ:read=EINTR');
      }
      return this.#parse([{ text: node.value, node }], true);
    }
    if (!isMap(node))
      return this.#refuse(node, 'a rule that is no text and no map', 'see the schema');
    this.#onlyKeys(node, RULE_KEYS, 'a rule has');
    const fault = node.get('fault', true) as Node | undefined;
    if (fault === undefined)
      this.#refuse(node, 'a rule without fault:', 'add for instance fault: read');
    const messages = node.get('messages', true) as Node | undefined;
    const pieces = messages === undefined ? [] : this.#messages(messages);
    pieces.push({ text: this.#name(fault, 'fault', 'value: takes what is behind ='), node: fault });
    const value = node.get('value', true) as Node | undefined;
    if (value !== undefined)
      pieces.push({ text: this.#word(value, 'value'), node: value, joint: '=' });
    for (const key of RULE_KEYS) {
      const given = node.get(key, true) as Node | undefined;
      if (given === undefined || ['fault', 'messages', 'value'].includes(key)) continue;
      pieces.push({ text: `${key}=${this.#word(given, key)}`, node: given });
    }
    return this.#parse(pieces);
  }

  #messages(node: Node): Piece[] {
    if (!isSeq(node)) return [{ text: this.#opcodes(node), node }];
    if (node.items.length === 0)
      this.#refuse(node, 'no opcode in messages', 'name one, or leave it out');
    return (node.items as Node[]).map((item, i) => {
      const text = this.#opcodes(item);
      if (text.includes(','))
        this.#refuse(item, `${quoted(text)} in a list`, 'write each opcode as one item');
      return i === 0 ? { text, node: item } : { text, node: item, joint: ',' };
    });
  }

  /** Opcodes are in capitals, so that nothing else of a rule is taken for them. */
  #opcodes(node: Node): string {
    const text = this.#name(node, 'messages', 'it has opcodes alone');
    if (!/[a-z]/.test(text)) return text;
    return this.#refuse(node, `no opcode ${quoted(text)}`, didYouMean(text, OP_NAMES, 'such as'));
  }

  #name(node: Node, key: string, hint: string): string {
    const text = this.#word(node, key);
    return text.includes('=') ? this.#refuse(node, `${key}: ${quoted(text)}`, hint) : text;
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

  /** Of a rule that is `written` as text, the place within it is the place in the file. */
  #parse(pieces: readonly Piece[], written = false): Rule {
    try {
      return parseRule(
        pieces.map(({ text, joint }, i) => (i === 0 ? text : `${joint ?? ':'}${text}`)).join(''),
      );
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      let left = error.offset;
      const at = pieces.find(({ text }) => {
        left -= text.length + 1;
        return left < 0;
      });
      const { node, text } = at ?? (pieces.at(-1) as Piece);
      const within = written ? left + text.length + 1 : 0;
      return this.#refuse(node, error.what, error.hint, within);
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

  /** `within` the text of a scalar, as far as it stands in the file as it is meant. */
  #refuse(node: Node | null | undefined, what: string, hint: string, within = 0): never {
    const start = node?.range?.[0] ?? 0;
    const { line, col } = this.#lines.linePos(start + (within > 0 ? this.#shown(node, within) : 0));
    const where = line === 0 ? '1:1' : `${line}:${col}`;
    throw new PlanError(`${this.#file}:${where}: ${what}; ${hint}`);
  }

  #shown(node: Node | null | undefined, within: number): number {
    const text = isScalar(node) ? String(node.value) : '';
    const start = node?.range?.[0] ?? 0;
    const quote = ['"', "'"].includes(this.#text[start] ?? '') ? 1 : 0;
    return this.#text.startsWith(text, start + quote) ? quote + Math.min(within, text.length) : 0;
  }
}

export const parsePlan = (text: string, name: string): Plan => new PlanFile(name).read(text);
