/** Servers of the samples: sound, with a bug, and one that never mounts. */
export const DEMO = new URL('../../../../corpus/demo/demo.fusecap', import.meta.url);
export const SOUND = '{server} --fs memory {mountpoint}';
export const DOUBLE = ['{server}', '--fs', 'memory', '--bug', 'double-reply', '{mountpoint}'];
export const ASLEEP = "sh -c 'exec sleep 1000' {mountpoint}";
