/** The version in package.json, found from the sources and from dist alike. */
import { readFileSync } from 'node:fs';

export function rigVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (name === 'fuse-rig') return String(version);
    } catch {}
  }
  return 'unknown';
}
