/**
 * Notifications as the page cache shows them: a script for Bench.sh on a server with --notify
 * inval,store,retrieve and entries that stay valid, and what it prints.
 */

/** Every command to the control file waits until its result is listed. */
export const NOTIFYING = `
  cd $1/mnt
  tell() { printf "%s" "$*" > .control; }
  done_() { until grep -q "^$*: " .control; do sleep 0.01; done; }
  printf old-text > f; cat f; echo
  tell put f 0 new; cat f; echo
  tell inval f; done_ inval f; cat f; echo
  tell store f 4 data; done_ store f; cat f; echo
  tell retrieve f 0 8; done_ retrieve f
  until grep -q ^retrieved .control; do sleep 0.01; done
  grep -a retrieved .control | sed 's/ [0-9]*/ NODE/'
  tell delete f; done_ delete f; ls
  cat .control | grep ':'`;

export const NOTIFIED: readonly string[] = [
  'old-text',
  'old-text',
  'new-text',
  'new-data',
  'retrieved NODE 0 8 new-data',
  'inval f: ok',
  'store f: ok',
  'retrieve f: ok',
  'delete f: ok',
];
