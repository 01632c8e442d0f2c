// fuse-rig-launch SOCK BASE COUNT EXTRA CALLS CWD UMASK ROOT SHARED... -- COMMAND ARGS...
//
// Started by the rig with one socket inherited (descriptor SOCK); launch.h says what the rest is.
//
// fuse-rig-launch --scratch SOCK keeps a scratch directory and starts servers instead (scratch.h);
// fuse-rig-launch --root DIR only tries whether a server could have DIR as its root, and prints errno and
// call where not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"
#include "root.h"
#include "scratch.h"

using namespace fuse_rig;

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "--scratch") == 0) return KeepScratch(atoi(argv[2]));
  if (argc == 3 && strcmp(argv[1], "--root") == 0) {
    const RootError failed = EnterRoot(argv[2], {});
    if (failed.error != 0) printf("%d %s\n", failed.error, failed.what.c_str());
    return failed.error == 0 ? 0 : 1;
  }
  if (argc < 2 + kLaunchArgs) {
    fprintf(stderr, "fuse-rig-launch is started by fuse-rig, not by hand\n");
    return 2;
  }
  Launch(atoi(argv[1]), argv + 2);
}
