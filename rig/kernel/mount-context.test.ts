import { describe, expect, it } from 'vitest';
import { ERRNO } from '../protocol/errno.ts';
import { MountContext } from './mount-context.ts';

const { EBUSY, EINVAL } = ERRNO;

describe('a file system context', () => {
  it('judges each parameter as it comes', () => {
    const context = new MountContext('fuse');
    expect(context.set('rootmode', '40000')).toBe(0);
    expect(context.set('rootmode', '755')).toBe(-EINVAL);
    expect(context.set('allow_other', undefined)).toBe(0);
    expect(context.set('allow_other', '1')).toBe(-EINVAL);
    expect(context.set('fd', 'abc')).toBe(-EINVAL);
    expect(context.set('fd', '3')).toBe(0);
    expect(context).toMatchObject({ fd: 3, parameters: ['rootmode=40000', 'allow_other'] });
  });

  it('takes one source and one subtype', () => {
    const context = new MountContext('fuse.of-no-matter');
    for (const key of ['source', 'subtype']) {
      expect(context.set(key, 'a')).toBe(0);
      expect(context.set(key, 'b')).toBe(-EINVAL);
    }
    expect(context).toMatchObject({ fstype: 'fuse', source: 'a', parameters: ['subtype=a'] });
  });

  it('goes from its parameters to the superblock, the mount, and back to parameters', () => {
    const context = new MountContext('fuse');
    expect(context.mount()).toBe(-EINVAL);
    expect(context.reconfigure()).toBe(-EBUSY);
    expect(context.createError).toBe(0);
    context.created(0);
    expect(context.createError).toBe(-EBUSY);
    expect(context.set('max_read', '8192')).toBe(-EBUSY);
    expect(context.mount()).toBe(0);
    expect(context.mount()).toBe(-EINVAL);
    expect(context.set('max_read', '8192')).toBe(-EINVAL);
    expect(context.reconfigure()).toBe(0);
  });

  it('is of no use any more once its superblock could not be made', () => {
    const context = new MountContext('fuse');
    context.created(-EINVAL);
    expect([context.createError, context.mount()]).toEqual([-EBUSY, -EINVAL]);
  });
});
