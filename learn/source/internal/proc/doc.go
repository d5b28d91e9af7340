// Package proc says who a process is: what it executes, with which arguments, in
// which cgroup and container, and of whom it is a child.
//
// # Vocabulary
//
// A [Table] has the processes of this machine. It begins with /proc, and goes on with
// what the kernel tells: a process that lived for a millisecond is known by that.
//
// # What it promises
//
// What a [learn.Process] says never changes once it was returned. What looks like a
// secret is taken out of arguments before anybody sees them. A process that is not
// known is asked for in /proc; if it is gone, what its parent is known by holds for
// its cgroup, its container and its trace, which children inherit.
//
// # What it does not do
//
// It does not check what a process says of itself: arguments, and a path that could
// only be taken from what was executed, are the words of who started it.
package proc
