// Package source is where flows come from: firewall logs and, later, captures
// and sensors. A line-based source hands over a [Parser] of one record; reading
// and following files, decompression and cursors are written once, beside them.
//
// # Vocabulary
//
// A [Source] is a format that can be read. A [Record] is one input record as
// the source understood it, whether or not it is traffic of interest. Counted
// records are the outbound connections: one record for each, however many lines
// the firewall wrote about it.
//
// # What it promises
//
// A parser never panics, whatever the bytes. A record always has a time, a
// source and a destination address, unmapped and without zone; what cannot be
// read is a [RecordError] with a cause from a small fixed set, so that it can be
// counted. Every record says why it was counted or why not. A parser restored
// from its state judges the rest of a stream as if it had never stopped.
//
// # What it does not do
//
// It opens no file, resolves no name and reads no clock. It does not decide
// which agent a flow belongs to.
package source
