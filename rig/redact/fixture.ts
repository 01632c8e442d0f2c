/** The fixture of a capture: the same tree, names and contents replaced. */
import {
  decodeSummary,
  encodeSummary,
  type FixtureRecord,
  type FixtureSummary,
  PieceWriter,
  readRecords,
} from '../../recorder/fixture/format.ts';
import { recordOf, summaryOf } from '../../recorder/fixture/records.ts';
import type { Contents } from './contents.ts';
import type { Names } from './names.ts';

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Reasons are for people, and quote names: only of what sort they are is kept. */
function reasonOf(names: Names, reason: string): string {
  const [, what = '', attribute, count = ''] =
    /^(device nodes|attributes (\S+)|.*?)( \(\d+(?=[,)])|$)/.exec(reason) ?? [];
  const named =
    attribute === undefined ? what : `attributes ${textOf(names.xattr(bytesOf(attribute)))}`;
  return count === '' ? named : `${named}${count})`;
}

const summaryStandIn = (names: Names, summary: FixtureSummary): FixtureSummary => ({
  ...summary,
  name: names.fileText(summary.name),
  needsRoot: summary.needsRoot.map((reason) => reasonOf(names, reason)),
});

/** `xattr` values and data are replaced in `body`; the rest in what is returned. */
function recordStandIn(
  record: FixtureRecord,
  body: Uint8Array,
  names: Names,
  contents: Contents,
): FixtureRecord {
  switch (record.kind) {
    case 'open': {
      const { target } = record;
      const name = names.fileText(record.name);
      return {
        ...record,
        name,
        ...(target === undefined ? {} : { target: names.pathText(target) }),
      };
    }
    case 'link':
      return { ...record, name: names.fileText(record.name) };
    case 'xattr':
      body.set(names.value(bytesOf(record.name), body));
      return { ...record, name: textOf(names.xattr(bytesOf(record.name))) };
    case 'data':
      contents.replace(body, record.at);
      return record;
    default:
      return record;
  }
}

/** Reads the pieces of a fixture and gives those of its stand-in to `emit`. Throws FixtureError. */
export async function redactFixture(
  pieces: Iterable<Uint8Array>,
  names: Names,
  contents: Contents,
  emit: (piece: Uint8Array) => void,
): Promise<void> {
  const source = pieces[Symbol.iterator]();
  const first = source.next();
  if (first.done) return;
  emit(encodeSummary(summaryStandIn(names, summaryOf(decodeSummary(first.value)))));
  const writer = new PieceWriter(emit);
  const rest = (async function* () {
    for (let next = source.next(); !next.done; next = source.next()) yield next.value;
  })();
  for await (const { header, body } of readRecords(rest)) {
    const record = recordOf(header);
    if (record.kind === 'end') break;
    const own = Uint8Array.from(body);
    writer.record(recordStandIn(record, own, names, contents), own);
  }
  writer.finish();
}
