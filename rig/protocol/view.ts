/** How single values are shown to a person: bytes, names, fields of a structure. */
import { errnoName } from './errno.ts';
import { formatFlags, formatMode } from './flags.ts';
import type { Field, Layout, Role } from './layout.ts';
import type { Args } from './parts.ts';

export interface ViewOptions {
  /** Most bytes of data shown; 32 by default. Names are always shown whole. */
  readonly data?: number;
  /** Show timestamps and cache timeouts of attributes too. */
  readonly times?: boolean;
}

const ESCAPES: Readonly<Record<number, string>> = {
  9: '\\t',
  10: '\\n',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

function escapeByte(byte: number): string {
  const escaped = ESCAPES[byte];
  if (escaped !== undefined) return escaped;
  if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** Quoted, every byte outside printable ASCII escaped: tells all bytes apart. */
export function quoteBytes(bytes: Uint8Array, limit = Number.POSITIVE_INFINITY): string {
  const shown = bytes.length > limit ? bytes.subarray(0, limit) : bytes;
  const text = Array.from(shown, escapeByte).join('');
  return `"${text}"${shown.length < bytes.length ? '...' : ''}`;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const PLAIN = /^(?: |[^\p{C}\p{Z}"\\])*$/u;

/** Quoted as text where the name is plain UTF-8, else as quoteBytes(). */
export function quoteName(name: Uint8Array): string {
  try {
    const text = utf8.decode(name);
    if (PLAIN.test(text)) return `"${text}"`;
  } catch {
    // Not UTF-8; a name may be any bytes.
  }
  return quoteBytes(name);
}

const IN_HEX: ReadonlySet<Role | undefined> = new Set<Role>(['fh', 'lock-owner']);
/** Roles whose zero says nothing. */
const SHY: ReadonlySet<Role | undefined> = new Set<Role>([
  'lock-owner',
  'time',
  'validity',
  'generation',
  'backing-id',
]);

function scalarView(field: Field, value: number | bigint): string {
  if (field.flags !== undefined) return formatFlags(field.flags, value);
  if (field.view === 'mode') return formatMode(Number(value));
  if (field.view === 'errno') return value === 0 ? '0' : `-${errnoName(Number(value))}`;
  if (field.view === 'hex' || IN_HEX.has(field.role)) return `0x${value.toString(16)}`;
  return value.toString();
}

function shown(field: Field, values: Args, options: ViewOptions): boolean {
  const { role, when } = field;
  if (role === 'padding' || field.count > 0) return false;
  if (when !== undefined) return (Number(values[when.field]) & when.bit) !== 0;
  return options.times === true || (role !== 'time' && role !== 'validity');
}

/** `fh=0x3 offset=4096 ...`: the fields that say something, in order. */
export function formatFields(layout: Layout, values: Args, options: ViewOptions = {}): string[] {
  return layout.list.flatMap(([name, field]) => {
    if (!shown(field, values, options)) return [];
    const value = values[name];
    if (typeof field.type === 'object') {
      return [`${name}={${formatFields(field.type, value as Args, options).join(' ')}}`];
    }
    const number = value as number | bigint;
    const silent = SHY.has(field.role) || (field.flags !== undefined && !field.flags.low);
    return silent && Number(number) === 0 ? [] : [`${name}=${scalarView(field, number)}`];
  });
}
