// Package ipranges says whose address an address is.
//
// # Vocabulary
//
// A [Label] is what published ranges say of an address: provider, service and
// region. A [Set] is a set of addresses. An [Exposure] is how much a set opens:
// IPv4 addresses and IPv6 /64 networks. A [Table] holds published ranges and
// answers with all covering labels, never only the longest match. A [Space] is
// a table and the autonomous systems beside it. A [Change] is what became of a
// label between two tables. A [Purpose] is what space that is nobody's is for.
//
// # What it promises
//
// A label is counted by its addresses, each once, however its prefixes nest.
// Where strangers can answer, [Shared] says so, and it says so of whatever it
// does not know. What calls its customers ([Inbound]) is no home to fold to.
//
// # What it does not do
//
// It opens no file and fetches nothing: feed parses what publishers offer, mmdb
// reads a MaxMind database.
package ipranges
