// Package syslog reads what syslog puts around messages: the header before each
// of them, and the framing between them on a connection.
//
// # Vocabulary
//
// A header is all that stands before the text a program wrote: priority, time
// stamp, host, program. A frame is one message as it travels.
//
// # What it promises
//
// Nothing panics, whatever the bytes, and reading a header allocates nothing.
// A frame is never longer than was allowed: what is longer is passed over to its
// end and reported once. What is returned is part of what was given.
//
// # What it does not do
//
// It does not look into messages and opens no socket. It does not refuse a
// header: senders differ, and the message behind an odd one is still news.
package syslog
