// Package zeek reads the lines of Zeek's logs: conn, dns, ssl, quic and http, in
// columns under a header or as JSON. Which log a line is of, and in which form,
// it says itself, so that logs that were put one behind the other are read too.
//
// # What it promises
//
// Nothing panics, whatever the bytes. Reading a line allocates nothing. What a
// [Line] holds has addresses and a time. The header of columns survives a
// restart: [Decoder.State].
//
// # What it does not do
//
// It does not judge what it read, keeps no name and reads no clock.
package zeek
