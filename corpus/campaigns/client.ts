/** A client of a mount whose server is about to go: what it does, and what it saw last. */
import { readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import type { Prng } from '../prng.ts';
import { builtProgram } from '../run.ts';
import type { Ground } from './ground.ts';

/** Calls for several seconds; the client goes through them all, errors or not. */
export function load(prng: Prng, rounds: number): string {
  const lines: string[] = [];
  for (let i = 0; i < rounds; i++) {
    const name = `f${prng.below(50)}`;
    lines.push(
      `mkdir d${i % 20}`,
      `open h ${name} RDWR|CREAT`,
      `write h 1 ${1 + prng.below(9000)}`,
    );
    lines.push('read h 100 0', 'close h', `stat ${name}`, `rename ${name} d${i % 20}/${name}`);
    lines.push(`list d${i % 20}`, `unlink d${i % 20}/${name}`);
  }
  return `${lines.join('\n')}\n`;
}

export interface Client {
  done: boolean;
  /** What its last call gave, unless it came to the end of its script. */
  last(): string | undefined;
}

export function startClient(ground: Ground, script: string, n: number): Client {
  const [input, output] = [ground.file(`script${n}`), ground.file(`client${n}`)];
  writeFileSync(input, script);
  const child = execa(builtProgram('fuse-rig-client') ?? 'fuse-rig-client', [ground.mountpoint], {
    stdin: { file: input },
    stdout: { file: output },
    stderr: 'ignore',
    env: ground.env,
    reject: false,
  });
  const client = {
    done: false,
    last: () => {
      const lines = readFileSync(output, 'utf8').trimEnd().split('\n');
      return lines.length < script.trimEnd().split('\n').length ? lines.at(-1) : undefined;
    },
  };
  void child.then(() => {
    client.done = true;
  });
  return client;
}
