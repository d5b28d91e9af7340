// Package bodies hashes the bodies of HTTP/1 messages as they pass by. Messages are
// read by net/http; this package feeds it what is copied anyway.
//
// # What it promises
//
// Whatever passes by, a [Tap] takes bounded memory, waits for nothing and never
// fails: what is not understood ends the looking, and says so. A hash is of the
// body that net/http reads of the same bytes.
//
// # What it does not do
//
// It is no guard: who frames a message so that two readers disagree of it may have
// meant another one. It reads no HTTP/2 and opens no TLS.
package bodies
