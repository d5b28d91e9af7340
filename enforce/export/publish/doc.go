// Package publish lets a firewall fetch tables over HTTP.
//
// # Vocabulary
//
// A [Shelf] is the tables that can be fetched. A token is the part of the path that
// only who was told it knows.
//
// # What it promises
//
// A table is never empty by accident: one that holds no address, or loses too much
// at once though nobody approved anything, is [Refused], and the last good one is
// served on. Without the token nothing is said, not even that there are tables. The
// answer to a fetch is one whole version of a table, whatever is written meanwhile.
//
// # What it does not do
//
// It decides nothing about what a table holds. It writes no table.
package publish
