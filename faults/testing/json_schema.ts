/**
 * Whether a JSON schema (draft 7) takes a value: the keywords that the published schema uses, and no
 * other. A keyword it does not know, and an enum that has a value twice, are errors: editors refuse such.
 */
export type Schema = boolean | { readonly [keyword: string]: unknown };

type Check = (given: unknown, value: unknown, whole: Record<string, unknown>) => boolean;

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isType = (type: unknown, value: unknown): boolean => {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  return type === 'object' ? isMap(value) : typeof value === type;
};

const one = (values: readonly unknown[]) => new Set(values.map((value) => JSON.stringify(value)));
const many = (given: unknown): readonly Schema[] => given as readonly Schema[];
const says = () => true;

const CHECKS: Record<string, Check> = {
  $schema: says,
  $id: says,
  title: says,
  description: says,
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
  then: says,
  type: isType,
  const: (given, value) => given === value,
  enum: (given, value) => {
    const known = given as readonly unknown[];
    if (one(known).size !== known.length) throw new Error(`twice in ${JSON.stringify(known)}`);
    return known.includes(value);
  },
  minimum: (given, value) => typeof value !== 'number' || value >= (given as number),
  maximum: (given, value) => typeof value !== 'number' || value <= (given as number),
  maxLength: (given, value) => typeof value !== 'string' || value.length <= (given as number),
  pattern: (given, value) =>
    typeof value !== 'string' || new RegExp(given as string, 'u').test(value),
  minItems: (given, value) => !Array.isArray(value) || value.length >= (given as number),
  maxItems: (given, value) => !Array.isArray(value) || value.length <= (given as number),
  uniqueItems: (_, value) => !Array.isArray(value) || one(value).size === value.length,
  items: (given, value) =>
    !Array.isArray(value) || value.every((item) => takes(given as Schema, item)),
  required: (given, value) =>
    !isMap(value) || (given as readonly string[]).every((name) => name in value),
  properties: (given, value) => {
    // All of them are looked at, so that what no editor would take is found whatever the value is.
    const fits = Object.entries(given as Record<string, Schema>).map(([name, schema]) =>
      takes(schema, isMap(value) ? value[name] : undefined),
    );
    const names = Object.keys(given as object);
    return !isMap(value) || names.every((name, i) => !(name in value) || fits[i] === true);
  },
  additionalProperties: (_, value, { properties }) =>
    !isMap(value) || Object.keys(value).every((name) => name in (properties as object)),
  allOf: (given, value) =>
    many(given)
      .map((schema) => takes(schema, value))
      .every(Boolean),
  anyOf: (given, value) =>
    many(given)
      .map((schema) => takes(schema, value))
      .some(Boolean),
  oneOf: (given, value) => many(given).filter((schema) => takes(schema, value)).length === 1,
  if: (given, value, whole) => {
    const holds = takes(whole.then as Schema, value);
    return !takes(given as Schema, value) || holds;
  },
};

export function takes(schema: Schema, value: unknown): boolean {
  if (typeof schema === 'boolean') return schema;
  return Object.entries(schema)
    .map(([keyword, given]) => {
      const check = CHECKS[keyword];
      if (check === undefined) throw new Error(`no keyword ${keyword}`);
      return check(given, value, schema);
    })
    .every(Boolean);
}
