/**
 * npm run bench: what recording and replaying cost, as ratios of one run on one machine.
 *
 *     npm run bench -- [SECTION...] [--server NAME]... [--runs N] [--json]
 *
 * Sections: trap, model, record, replay, ring, memory, scenarios; all of them if none is named, and so are
 * the servers of record and replay. With --json one object a line.
 */
import { serverNamed } from '../../corpus/servers/servers.ts';
import { type Bench, line } from './measure.ts';
import { memorySection } from './memory.ts';
import { modelSection } from './model.ts';
import { recordSection } from './record.ts';
import { replaySection } from './replay.ts';
import { ringSection } from './ring.ts';
import { scenariosSection } from './scenarios.ts';
import { trapSection } from './trap.ts';

const SECTIONS = {
  trap: trapSection,
  model: modelSection,
  record: recordSection,
  replay: replaySection,
  ring: ringSection,
  memory: memorySection,
  scenarios: scenariosSection,
} as const;

type Section = keyof typeof SECTIONS;

const isSection = (word: string): word is Section => Object.hasOwn(SECTIONS, word);

interface Asked {
  sections: Section[];
  servers: string[];
  runs: number;
  json: boolean;
}

/** What was asked for; a string says what is wrong with it. */
function parse(words: readonly string[]): Asked | string {
  const asked: Asked = { sections: [], servers: [], runs: 5, json: false };
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '--json') asked.json = true;
    else if (word === '--runs' && /^[1-9]\d?$/.test(words[i + 1] ?? '')) {
      asked.runs = Number(words[++i]);
    } else if (word === '--server' && words[i + 1] !== undefined) {
      asked.servers.push(serverNamed(words[++i] as string).name);
    } else if (isSection(word)) asked.sections.push(word);
    else {
      return `${word}: not understood; use [${Object.keys(SECTIONS).join('|')}] [--server NAME] [--runs 1..99] [--json]`;
    }
  }
  if (asked.sections.length === 0) asked.sections = Object.keys(SECTIONS).filter(isSection);
  return asked;
}

async function main(): Promise<void> {
  const asked = parse(process.argv.slice(2));
  if (typeof asked === 'string') {
    process.stderr.write(`fuse-rig bench: ${asked}\n`);
    process.exitCode = 2;
    return;
  }
  const progress = process.stderr.isTTY;
  const bench: Bench = {
    runs: asked.runs,
    measures: ({ name }) => asked.servers.length === 0 || asked.servers.includes(name),
    say: (text) => progress && process.stderr.write(`\r\x1b[K${text}`),
    give: (result) => {
      if (progress) process.stderr.write('\r\x1b[K');
      process.stdout.write(`${asked.json ? JSON.stringify(result) : line(result)}\n`);
    },
  };
  for (const section of asked.sections) await SECTIONS[section](bench);
}

main().catch((error: unknown) => {
  process.stderr.write(`fuse-rig bench: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 4;
});
