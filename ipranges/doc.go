// Package ipranges says whose address an address is.
//
// # Vocabulary
//
// A [Label] is what published ranges say of an address: provider, service and
// region. A [Set] is a set of addresses. An [Exposure] is how much a set opens:
// IPv4 addresses and IPv6 /64 networks. A [Table] holds published ranges and
// answers with all covering labels, never only the longest match. A [Space] is
// a table and the autonomous systems beside it.
//
// # What it does not do
//
// It opens no file and fetches nothing: feed parses what publishers offer, mmdb
// reads a MaxMind database.
package ipranges
