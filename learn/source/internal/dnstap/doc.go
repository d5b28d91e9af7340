// Package dnstap reads what resolvers stream of the messages they exchange:
// dnstap payloads (dnstap.info) in frame streams (the fstrm library), from files
// and over sockets.
//
// The two formats are a length before each frame and a dozen fields of Protocol
// Buffers. The libraries that read them have had no release since 2021 and bring
// a reflective decoder of Protocol Buffers and a second one of DNS with them.
//
// # What it promises
//
// Nothing panics, whatever the bytes, and no frame makes it take more memory than
// the largest DNS message needs. What is returned is part of what was given.
//
// # What it does not do
//
// It opens nothing and does not look into DNS messages.
package dnstap
