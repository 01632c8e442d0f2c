/** Which faults came true at which points of a session, and where that found something. */
import { parseRule } from '../parse.ts';
import { isChange, isResult, type Rule } from '../rule.ts';
import { causeOf } from './cause.ts';
import type { Run } from './outcome.ts';

export interface Cell {
  /** Runs that meant it, in which it came true, and which failed then. */
  planned: number;
  fired: number;
  found: number;
}

export interface Coverage {
  /** Faults, with their errno. */
  readonly faults: readonly string[];
  readonly points: readonly string[];
  cell(fault: string, point: string): Cell | undefined;
  /** Single faults that were run, and those that came true. */
  readonly planned: number;
  readonly fired: number;
}

/** A fault with its errno or word; amounts are too many to tell apart. */
function faultOf(rule: Rule): string {
  const { name } = rule.fault;
  if (isResult(rule)) return `${name}=${rule.errno}`;
  return isChange(rule) && typeof rule.value === 'string' ? `${name}=${rule.value}` : name;
}
const pointOf = (rule: Rule): string =>
  isResult(rule) || isChange(rule) ? rule.fault.moment : rule.at.name;

export class Covered implements Coverage {
  planned = 0;
  fired = 0;
  readonly #cells = new Map<string, Map<string, Cell>>();
  readonly #points = new Set<string>();

  take({ outcome }: Run): void {
    const failed = causeOf(outcome) !== undefined;
    for (const { rule: text, fired } of outcome.rules) {
      const rule = parseRule(text);
      const cell = this.#at(faultOf(rule), pointOf(rule));
      cell.planned++;
      if (fired > 0) cell.fired++;
      if (fired > 0 && failed) cell.found++;
    }
    if (outcome.rules.length !== 1) return;
    this.planned++;
    if (outcome.rules.some(({ fired }) => fired > 0)) this.fired++;
  }

  #at(fault: string, point: string): Cell {
    this.#points.add(point);
    let row = this.#cells.get(fault);
    if (row === undefined) {
      row = new Map();
      this.#cells.set(fault, row);
    }
    let cell = row.get(point);
    if (cell === undefined) {
      cell = { planned: 0, fired: 0, found: 0 };
      row.set(point, cell);
    }
    return cell;
  }

  get faults(): string[] {
    return [...this.#cells.keys()].sort();
  }

  get points(): string[] {
    return [...this.#points];
  }

  cell(fault: string, point: string): Cell | undefined {
    return this.#cells.get(fault)?.get(point);
  }
}
