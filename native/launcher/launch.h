// Becomes the keeper of a server, which a child of it becomes.
#pragma once

namespace fuse_rig {

// ARGV, with nullptr behind the last: BASE COUNT EXTRA CALLS CWD UMASK ROOT SHARED... -- COMMAND ARGS...
//
// EXTRA is a comma-separated list of descriptors to watch beside the range, CALLS one of numbers of
// system calls to look at beside those the seam always does; "-" for none. ROOT is the directory the
// server finds as its root, with the SHARED paths of this machine in it; "-" for this machine's own.
//
// The child installs the seam's filter, hands the listener to the rig through `sock`, waits for the word
// to go, and execs the server.
[[noreturn]] void Launch(int sock, char** argv);

// How many of them there are at least, the command's name among them.
constexpr int kLaunchArgs = 9;

}  // namespace fuse_rig
