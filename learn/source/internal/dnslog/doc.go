// Package dnslog reads what resolvers write down of the questions they were
// asked: the lines of dnsmasq, pfBlockerNG and AdGuard Home, and DNS messages
// as they were on the wire.
//
// # What it promises
//
// Nothing panics, whatever the bytes. A name that comes back is canonical, an
// address is unmapped. A line that a name of somebody's choosing could have made
// ambiguous is not taken for an answer.
//
// # What it does not do
//
// It does not know who asked what before: that is for the parser of a whole log.
package dnslog
