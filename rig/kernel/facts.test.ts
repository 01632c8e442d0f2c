/** Small facts: fusectl files, backing ids, ENOSYS latches, version switches, request queues. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { runs } from '../protocol/arbitraries.ts';
import type { InitFlag } from '../protocol/init-flags.ts';
import { OP, OP_NAMES, type OpName } from '../protocol/opcodes.ts';
import type { FusectlFile } from './fusectl.ts';
import { FuseReq } from './request.ts';
import { RequestQueue } from './request-queue.ts';
import { Scene, say } from './scene.ts';
import { namesOf, SWITCH_NAMES, switchesFrom, VERSIONS } from './versions.ts';

describe('fs/fuse/control.c', () => {
  const write = (scene: Scene, file: FusectlFile, text: string, offset = 0) =>
    say(scene.kernel.writeFusectl(scene.conn, file, text, offset));
  const read = (scene: Scene, file: FusectlFile) => {
    const text = scene.kernel.readFusectl(scene.conn, file);
    return typeof text === 'number' ? say(text) : text;
  };

  it('waiting counts from allocation to end, blocked callers and INIT too', () => {
    const scene = Scene.mounted();
    const ticket = scene.ask();
    expect(read(scene, 'waiting')).toBe('2\n');
    scene.init();
    expect(read(scene, 'waiting')).toBe('1\n');
    scene.take();
    expect(read(scene, 'waiting')).toBe('1\n');
    scene.reply(scene.kernel.uniqueOf(ticket) ?? 0n, -2);
    expect(read(scene, 'waiting')).toBe('0\n');
    expect(write(scene, 'waiting', '1')).toBe('EINVAL');
  });

  it('any write to abort aborts', () => {
    const scene = Scene.ready({}, ['ABORT_ERROR']);
    expect(read(scene, 'abort')).toBe('EINVAL');
    expect(write(scene, 'abort', 'nonsense')).toBe(8);
    expect(scene.read()).toBe('ECONNABORTED');
  });

  describe.each(['max_background', 'congestion_threshold'] as const)('%s', (file) => {
    test.each<[string, number, string | number, string | undefined]>([
      ['7', 0, 1, '7\n'],
      ['0x10\n', 0, 5, '16\n'],
      ['010', 0, 3, '8\n'],
      ['0', 0, 1, '0\n'],
      ['65535', 0, 5, '65535\n'],
      ['65536', 0, 'EINVAL', undefined],
      ['ten', 0, 'EINVAL', undefined],
      ['-1', 0, 'EINVAL', undefined],
      ['7', 1, 'EINVAL', undefined],
    ])('write %j at %d', (text, offset, result, after) => {
      const scene = Scene.ready();
      const before = read(scene, file);
      expect(before).toBe(file === 'max_background' ? '12\n' : '9\n');
      expect(write(scene, file, text, offset)).toBe(result);
      expect(read(scene, file)).toBe(after ?? before);
    });
  });

  it('the INIT reply sets both limits', () => {
    const scene = Scene.ready({ max_background: 50, congestion_threshold: 40 });
    expect(read(scene, 'max_background')).toBe('50\n');
    expect(read(scene, 'congestion_threshold')).toBe('40\n');
  });

  it('outlives the abort, not the unmount', () => {
    const scene = Scene.ready();
    scene.kernel.abort(scene.conn);
    expect(read(scene, 'waiting')).toBe('0\n');
    scene.kernel.shutdown(scene.conn);
    expect(read(scene, 'waiting')).toBe('ENOENT');
    expect(write(scene, 'abort', '1')).toBe('ENOENT');
  });
});

describe('fuse_backing_open', () => {
  const files = {
    3: { kind: 'regular', stackDepth: 0 },
    4: { kind: 'regular', stackDepth: 1 },
    5: { kind: 'directory' },
    6: { kind: 'other' },
  } as const;
  const world = (capable: boolean) => ({
    capable: () => capable,
    backingFile: (_: number, fd: number) =>
      files[fd as keyof typeof files] ?? ({ kind: 'closed' } as const),
  });
  const ready = (depth = 1, flags: InitFlag[] = ['PASSTHROUGH'], capable = true) =>
    Scene.ready({ max_stack_depth: depth }, flags, { world: world(capable) });
  const open = (scene: Scene, fd: number, flags = 0, padding = 0n) =>
    say(scene.kernel.backingOpen(scene.handle, 1, fd, flags, padding));

  test.each<[string, Scene, number, number, bigint, string | number]>([
    ['fine', ready(), 3, 0, 0n, 1],
    ['not negotiated', ready(1, []), 3, 0, 0n, 'EPERM'],
    ['negotiated without a depth', ready(0), 3, 0, 0n, 'EPERM'],
    ['beside WRITEBACK_CACHE', ready(1, ['PASSTHROUGH', 'WRITEBACK_CACHE']), 3, 0, 0n, 'EPERM'],
    [
      'without CAP_SYS_ADMIN, before bad flags',
      ready(1, ['PASSTHROUGH'], false),
      3,
      1,
      0n,
      'EPERM',
    ],
    ['flags, before a bad descriptor', ready(), 99, 1, 0n, 'EINVAL'],
    ['padding', ready(), 3, 0, 1n, 'EINVAL'],
    ['a closed descriptor', ready(), 99, 0, 0n, 'EBADF'],
    ['a directory', ready(), 5, 0, 0n, 'EISDIR'],
    ['a pipe', ready(), 6, 0, 0n, 'EINVAL'],
    ['stacked as deep as allowed', ready(1), 4, 0, 0n, 'ELOOP'],
    ['stacked less deep', ready(2), 4, 0, 0n, 1],
  ])('%s', (_, scene, fd, flags, padding, result) => {
    expect(open(scene, fd, flags, padding)).toBe(result);
  });

  it('ids go up and do not come back when closed (fuse_backing_close)', () => {
    const scene = ready();
    const close = (id: number) => say(scene.kernel.backingClose(scene.handle, id));
    expect([open(scene, 3), open(scene, 3)]).toEqual([1, 2]);
    expect([close(2), close(2), close(0), close(-1), close(7)]).toEqual([
      0,
      'ENOENT',
      'EINVAL',
      'EINVAL',
      'ENOENT',
    ]);
    expect(open(scene, 3)).toBe(3);
  });

  it('closing without passthrough: EPERM', () => {
    const scene = ready(1, []);
    expect(say(scene.kernel.backingClose(scene.handle, 0))).toBe('EPERM');
  });
});

describe('ENOSYS', () => {
  const LATCHED: readonly OpName[] = [
    ...(['OPEN', 'OPENDIR', 'CREATE', 'TMPFILE', 'RENAME2', 'FLUSH', 'FSYNC', 'FSYNCDIR'] as const),
    ...(['ACCESS', 'SYNCFS', 'SETXATTR', 'GETXATTR', 'LISTXATTR', 'REMOVEXATTR', 'LSEEK'] as const),
    ...(['FALLOCATE', 'COPY_FILE_RANGE', 'COPY_FILE_RANGE_64', 'STATX', 'POLL', 'BMAP'] as const),
  ];
  const answerable = OP_NAMES.filter((name) =>
    ['fixed', 'variable', 'either'].includes(OP[name].reply.kind),
  );
  test.each(answerable)('%s', (name) => {
    const scene = Scene.ready();
    const ask = (error: number) => {
      scene.ask(name, { name: 'n', newname: 'n', oldname: 'o', target: 't' });
      scene.reply(scene.take().unique, error);
    };
    const { opcode } = OP[name];
    ask(-2);
    expect(scene.kernel.latched(scene.conn, opcode)).toBe(false);
    ask(-38);
    expect(scene.kernel.latched(scene.conn, opcode)).toBe(LATCHED.includes(name));
    ask(-2);
    expect(scene.kernel.latched(scene.conn, opcode)).toBe(LATCHED.includes(name));
  });
});

describe('switches', () => {
  it.each(Object.entries(VERSIONS))('%s goes into a capture and comes back', (_, switches) => {
    expect(switchesFrom(namesOf(switches))).toEqual(switches);
  });

  it('names of other transports are let pass', () => {
    expect(switchesFrom(['cloneUnmountedEperm', 'oversizePayloadEio'])).toEqual({
      ...VERSIONS['6.18.15'],
      cloneUnmountedEperm: true,
    });
    expect(SWITCH_NAMES.length).toBe(15);
  });
});

describe('RequestQueue', () => {
  const req = (ticket: number) =>
    new FuseReq(ticket, {
      opcode: 1,
      nodeid: 1n,
      uid: 0,
      gid: 0,
      pid: 0,
      body: new Uint8Array(0),
      extlen: 0,
    });

  it('is an array that one can take from the middle of', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const) }),
      fc.record({ do: fc.constant('shift' as const) }),
      fc.record({ do: fc.constant('delete' as const), at: fc.nat(20) }),
      fc.record({ do: fc.constant('splice' as const), count: fc.nat(3) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new RequestQueue();
        let model: FuseReq[] = [];
        let last = 0;
        for (const one of steps) {
          if (one.do === 'push') {
            const added = req(++last);
            queue.push(added);
            model.push(added);
          } else if (one.do === 'shift') expect(queue.shift()).toBe(model.shift());
          else if (one.do === 'delete') {
            const found = model[one.at];
            if (found === undefined) continue;
            queue.delete(found);
            model = model.filter((other) => other !== found);
          } else {
            const first = Array.from({ length: one.count }, () => req(++last));
            queue.splice(first);
            model = [...first, ...model];
          }
          expect([...queue].map((r) => r.ticket)).toEqual(model.map((r) => r.ticket));
          expect(queue.length).toBe(model.length);
          expect(queue.first).toBe(model[0]);
        }
        expect(queue.takeAll()).toEqual(model);
        expect(queue.length).toBe(0);
      }),
      runs(200),
    );
  });
});
