/** A file that cannot be run. */
throw new Error('broken on purpose');
