/**
 * What a capture tells of the machine it was recorded on: command, directories, environment, mounts,
 * and what the server printed. Names of users and hosts, and paths, are replaced; options are kept.
 */
import { basename, resolve } from 'node:path';
import type { BeginEvent, SessionEvent } from '../events.ts';
import type { Names } from './names.ts';

/** Where programs lie: the same on every machine, and needed to find them. */
const SYSTEM = /^\/(usr|bin|sbin|lib|lib32|lib64|dev|proc|sys)(\/|$)/;
/** What a program's behaviour depends on, and nothing says of anybody. */
const NEEDED_ENV = /^(PATH|LANG|LC_\w+|TZ)=/;
/** Variables whose value is somebody's name, or a host's. */
const NAMING_ENV = /^(USER|LOGNAME|SUDO_USER|HOSTNAME|HOST|HOME)=(.+)$/s;
/** Parts of a word as options of mounts separate them. */
const PIECE = /[^\s,:=;'"]+/g;

export class Host {
  readonly #names: Names;
  readonly #private = new Set<string>();
  readonly #begin: BeginEvent;

  readonly #mountpoint: string | undefined;

  /** `mountpoint`: where the server mounted, if it is known. */
  constructor(names: Names, begin: BeginEvent, mountpoint: string | undefined) {
    this.#names = names;
    this.#begin = begin;
    this.#mountpoint = mountpoint;
    for (const pair of begin.server.env) {
      const [, name, value = ''] = NAMING_ENV.exec(pair) ?? [];
      const word = name === 'HOME' ? basename(value) : value;
      if (word.length > 1 && word !== 'root') this.#private.add(word);
    }
  }

  /** A path, or an absolute one among others: `/a/b`, `host:/a`, `a=/b,c`. */
  text(text: string): string {
    // The names are those of the traffic, which are bytes.
    const latin = Buffer.from(text).toString('latin1');
    const replaced = latin.replaceAll(PIECE, (piece) => this.#piece(piece));
    return Buffer.from(replaced, 'latin1').toString();
  }

  #piece(piece: string): string {
    if (SYSTEM.test(piece)) return piece;
    if (piece.includes('/')) return this.#names.pathText(piece);
    if (piece.includes('@')) {
      return piece
        .split('@')
        .map((side) => this.#names.fileText(side))
        .join('@');
    }
    return this.#private.has(piece) || this.#isOurs(piece) ? this.#names.fileText(piece) : piece;
  }

  /** A relative path without a slash that leads to the fixture or the mount point. */
  #isOurs(piece: string): boolean {
    if (piece.startsWith('-')) return false;
    const { server, fixture } = this.#begin;
    const path = resolve(server.cwd, piece);
    return [this.#mountpoint, fixture].some(
      (known) => known === path || known?.startsWith(`${path}/`),
    );
  }

  begin(): BeginEvent {
    const { server, mountpoint, fixture, root, ...rest } = this.#begin;
    const [program = '', ...words] = server.command;
    const env = server.env
      .filter((pair) => NEEDED_ENV.test(pair))
      .map((pair) => (pair.startsWith('PATH=') ? this.text(pair) : pair));
    return {
      ...rest,
      server: {
        ...server,
        command: [
          program.includes('/') ? this.text(program) : program,
          ...words.map((word) => this.text(word)),
        ],
        cwd: this.text(server.cwd),
        env,
      },
      ...(mountpoint === undefined ? {} : { mountpoint: this.text(mountpoint) }),
      ...(fixture === undefined ? {} : { fixture: this.text(fixture) }),
      ...(root === undefined ? {} : { root: this.text(root) }),
    };
  }

  /** The event without what it tells of the machine; messages are not looked into. */
  event<E extends SessionEvent>(event: E): E {
    switch (event.kind) {
      case 'mount': {
        const { source, target, options } = event;
        return {
          ...event,
          source: this.text(source),
          target: this.text(target),
          options: this.text(options),
        };
      }
      case 'backing':
        return { ...event, path: this.text(event.path) };
      case 'unsupported':
        return { ...event, what: this.text(event.what) };
      case 'output':
        return { ...event, bytes: event.bytes.map((byte) => (byte > 0x20 ? 0x78 : byte)) };
      default:
        return event;
    }
  }
}
