/**
 * Runs probes one after the other through one prober and writes down what came of every step. It is
 * told what the prober says and, in front of the model, when nothing more comes; so one driver serves
 * both sides.
 */
import { errorOf } from '../../rig/protocol/header.ts';
import { Mask } from './mask.ts';
import { Seen } from './seen.ts';
import type { Probe, Step } from './step.ts';

/** What a call or a client's operation came to. */
export type Result = Readonly<Record<string, string | number>>;

/** What came of a step: what has ended since the last one, and who sleeps. */
export interface Outcome {
  readonly step: string;
  readonly done: Readonly<Record<string, Result>>;
  readonly asleep: readonly string[];
}

export interface Transcript {
  readonly outcomes: readonly Outcome[];
  /** Why it was not carried to its end. */
  readonly broken?: string;
}

export interface Side {
  readonly name: 'kernel' | 'model';
  /** A command for the prober. */
  send(line: string): void;
  /** A new probe begins. */
  reset(): void;
  /** Does the step itself if it is not the prober's: false if it is. */
  takes(step: Step, line: string): boolean;
  /** What has ended of what the side does itself, and who still sleeps in it. */
  ended(): Record<string, Result>;
  asleep(): string[];
  /** The prober has ended a server's step: `by` said what came of it. */
  told(line: string, result: Result): void;
}

interface Said {
  done?: Record<string, Result>;
  asleep?: Record<string, string>;
  ended?: string;
}

/** What the driver waits for. */
type Await = 'answer' | 'quiet' | 'look' | 'end' | 'nothing';

export class Driver {
  readonly transcripts: Transcript[] = [];
  /** Clients that sleep are woken by nothing but a step. */
  quick = false;
  /** Where each sleeper sleeps, as the kernel calls it: for those who look for a reason. */
  readonly #probes: readonly Probe[];
  readonly #side: Side;
  readonly #dir: string;
  #seen = new Seen();
  #mask = new Mask();
  #await: Await = 'nothing';
  #step = 0;
  #line = '';
  #outcomes: Outcome[] = [];
  #done: Record<string, Result> = {};
  #sleepers: string[] = [];

  constructor(probes: readonly Probe[], side: Side, dir: string) {
    this.#probes = probes;
    this.#side = side;
    this.#dir = dir;
  }

  get finished(): boolean {
    return this.transcripts.length === this.#probes.length;
  }

  /** The probe that is under way. */
  get probe(): Probe | undefined {
    return this.#probes[this.transcripts.length];
  }

  begin(): void {
    const { probe } = this;
    if (probe === undefined) return;
    this.#side.reset();
    this.#seen = new Seen();
    this.#mask = new Mask();
    this.#step = 0;
    this.#outcomes = [];
    this.#sleepers = [];
    this.#side.send(`begin ${this.#side.name === 'kernel' ? 'real' : 'model'} ${this.#dir}`);
    if (this.#side.name === 'kernel' && probe.clients.length > 0) {
      this.#side.send(`clients ${probe.clients.join(' ')}`);
      this.#line = 'clients';
      this.#await = 'answer';
    } else this.#next();
  }

  /** The prober has said a line. */
  line(text: string): void {
    const said = JSON.parse(text) as Said;
    if (said.ended !== undefined) {
      this.#end(said.ended);
      return;
    }
    for (const [by, result] of Object.entries(said.done ?? {})) this.#take(by, result);
    this.#sleepers = Object.keys(said.asleep ?? {});
    if (this.#line === 'clients') {
      this.#line = '';
      this.#next();
    } else if (this.#await === 'look') this.#write();
    else if (this.#await === 'answer') this.#settle();
  }

  /** In front of the model: nothing more comes by itself. */
  quiet(): void {
    if (this.#await !== 'quiet') return;
    this.#await = 'look';
    this.#side.send('look');
  }

  #take(by: string, result: Result): void {
    if (/^not a /.test(String(result.text ?? ''))) throw new Error(`${this.#line}: ${result.text}`);
    this.#done[by] = this.#mask.result(result, this.#line.split(' ')[3]);
    if (by === this.#current?.by) this.#side.told(this.#line, result);
    if (typeof result.bytes === 'string') this.#seen.took(Number(result.r), result.bytes);
    if (typeof result.in_out === 'string') this.#look(result);
  }

  /** An entry was dumped. */
  #look({ in_out, op_in, ent, payload }: Result): void {
    const slot = this.#line.split(' ')[3] ?? '';
    const headers = Buffer.from(`${in_out}${op_in}${ent}`, 'hex');
    this.#seen.looked(slot, headers, Buffer.from(String(payload), 'hex'));
  }

  get #current(): Step | undefined {
    return this.probe?.steps[this.#step];
  }

  /** A sleeper of the model's may have been answered meanwhile: it is looked at once more. */
  #settle(): void {
    if (this.#side.name === 'model' && this.#mustSettle()) this.#await = 'quiet';
    else this.#write();
  }

  /** Others sleep, a last close is noticed by looking, and what poll shows is brought up to date. */
  #mustSettle(): boolean {
    if (this.#sleepers.length > 0 || (!this.quick && this.#side.asleep().length > 0)) return true;
    if (this.#line.startsWith('until ')) return true;
    const next = this.probe?.steps[this.#step + 1]?.says ?? '';
    return /^close\b/.test(this.#current?.says ?? '') || /^poll\b/.test(next);
  }

  #write(): void {
    Object.assign(this.#done, this.#side.ended());
    const asleep = [...this.#sleepers, ...this.#side.asleep()].sort();
    const done = Object.fromEntries(
      Object.entries(this.#done).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    this.#outcomes.push({ step: this.#current?.says ?? '', done, asleep });
    this.#step++;
    this.#next();
  }

  #next(): void {
    this.#done = {};
    const step = this.#current;
    if (step === undefined) {
      this.#await = 'end';
      this.#side.send('end');
      return;
    }
    this.#line = step.line(this.#seen);
    this.#noteInit(this.#line);
    if (this.#side.takes(step, this.#line)) this.#settle();
    else {
      this.#await = 'answer';
      this.#side.send(this.#line);
    }
  }

  /** Later messages are read as INIT agreed. */
  #noteInit(line: string): void {
    const [, message] =
      /^do \S+ (?:write|writev|splicein) \S+ ([0-9a-f]{32}[0-9a-f*+]*)/.exec(line) ?? [];
    if (message === undefined) return;
    const bytes = expand(message);
    const init = this.#seen.last('INIT');
    const answered = Buffer.from(bytes).readBigUInt64LE(8);
    if (init?.unique === answered && errorOf(bytes) === 0) this.#seen.answersInit(bytes);
  }

  #end(how: string): void {
    const outcomes = this.#outcomes;
    const early = this.#await !== 'end';
    const broken = early || how !== 'exit 0' ? `ended: ${how} after step ${this.#step}` : undefined;
    this.transcripts.push(broken === undefined ? { outcomes } : { outcomes, broken });
    this.#await = 'nothing';
    this.begin();
  }

  /** The probe under way cannot be carried on. */
  broken(why: string): void {
    this.transcripts.push({ outcomes: this.#outcomes, broken: why });
    this.#await = 'nothing';
  }
}

/** The bytes that `hex()` of step.ts wrote. */
export function expand(text: string): Uint8Array {
  return Uint8Array.from(
    Buffer.concat(
      text.split('+').map((part) => {
        const [bytes = '', times = '1'] = part.split('*');
        return Buffer.from(bytes.repeat(Number(times)), 'hex');
      }),
    ),
  );
}
