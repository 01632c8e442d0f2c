/** What helps a person to look into a server or the kernel by hand. */
import { accessSync, constants, readdirSync } from 'node:fs';
import { findProgram } from './find_program.ts';
import { okIf, type Probed, type ProbeGroup } from './probe.ts';

const EVENTS = ['/sys/kernel/tracing/events/fuse', '/sys/kernel/debug/tracing/events/fuse'];

function tracepoints(): Probed {
  const found = EVENTS.flatMap((dir) => {
    try {
      const names = readdirSync(dir).filter((name) => name.startsWith('fuse_'));
      accessSync(`${dir}/enable`, constants.W_OK);
      return names;
    } catch {
      return [];
    }
  });
  return {
    name: 'fuse tracepoints',
    need: 'extra',
    state: okIf(found.length > 0),
    detail: found.length > 0 ? found.join(', ') : 'none that may be enabled',
    costs: "holding a capture against the kernel's own fuse:* events, by hand",
    remedy: 'as root: mount -t tracefs none /sys/kernel/tracing; Linux 6.11 or newer',
  };
}

function debuggers(): Probed {
  const found = ['gdb', 'eu-stack'].map(findProgram).filter((path) => path !== undefined);
  return {
    name: 'gdb or eu-stack',
    need: 'extra',
    state: okIf(found.length > 0),
    detail: found.length > 0 ? found.join(', ') : 'not on PATH',
    costs: 'the user stacks of a server that hangs or crashes',
    remedy: 'apt-get install gdb (or elfutils)',
  };
}

export const toolsGroup: ProbeGroup = {
  title: 'looking by hand',
  look: () => [tracepoints(), debuggers()],
};
