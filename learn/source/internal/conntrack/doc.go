// Package conntrack reads what conntrack(8) prints of the connections that the
// Linux kernel tracks: events as they happen, and its table.
//
// # Vocabulary
//
// A connection has two tuples: the original one is what its first packet said,
// the reply is what the answer to it says. Where they do not mirror each other,
// addresses were translated in between.
//
// # What it promises
//
// Nothing panics, whatever the bytes. A line is read, or its error has a cause;
// a line that is read has both tuples, with addresses of one family, without
// zone and unmapped. Reading allocates nothing.
//
// # What it does not do
//
// It does not know which connections were seen before, nor which of them are of
// interest.
package conntrack
