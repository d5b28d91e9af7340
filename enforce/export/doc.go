// Package export writes a policy in a firewall's language.
//
// # Vocabulary
//
// A [Format] is one firewall's language. What it yields is [File] values and, for
// whatever that language cannot express, [Note] values. A table is the addresses
// that one agent may reach at one set of ports of one protocol.
//
// # What it promises
//
// The files read back give the policy they were made from, except where a note
// says otherwise. Text from outside (names of agents, rules and destinations)
// never becomes a second token or line. Equal policies give equal bytes. The
// name of a table depends on nothing but its agent, protocol, ports and the
// names of the other agents, so firewall rules that refer to it keep working.
//
// # What it does not do
//
// It opens no file and talks to no firewall. It does not know where an agent
// is: the rules that join an agent with its tables are written by a person.
package export
