// Package sandbox runs a command with no way to the outside but through this
// process, and tells every connection it makes. It needs no root, no firewall
// and no container engine.
//
// # How
//
// The command gets namespaces of its own (user, network, mounts, processes). Its
// network is one link whose other end is here: a TCP/IP stack in this process
// answers it, decides on each connection before anything of it leaves, and dials
// outside on its behalf. Names are looked up here as well: each gets an address
// of its own (from 198.18.0.0/15 and a private IPv6 prefix), so that what is
// connected to is known by the name that was asked for, and two names at one
// address are told apart.
//
//	namespace  the child: namespaces, mounts, what it must not keep
//	initial    the first process in there: it starts the command and reaps
//	link       veth, or TUN where it opens
//	stack      the TCP/IP stack, and the guard before it
//	dns        names
//	tcp, udp, icmp  what is forwarded
//	owner      whose connection it is, as the eyes find it: a process beside
//	confine    what this process gives up meanwhile
//
// # What it promises
//
// Nothing is sent outside before it was decided on. Without this process nothing
// leaves at all: the link ends here. Every connection and exchange is told once,
// when it ends, refused or not. Exit status, signals, standard streams, terminal,
// environment and directory are those of the command.
//
// # What it does not do
//
// It is no cage for files: the command reads and writes what its user may. It
// opens no TLS. Sockets in the file system reach programs outside that would act
// for the command; those that are known when it starts are covered.
package sandbox
