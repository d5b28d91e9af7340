// Package dissect reads the names in what a connection says first: the server
// name of a TLS or QUIC ClientHello, the host of an HTTP request, and what a DNS
// message answers.
//
// # What it promises
//
// It never panics, whatever the bytes, and does work in proportion to their
// number. What it returns is a part of its input: hostile text, to be checked
// before it is a name.
//
// # What it does not do
//
// It keeps no connection and puts no segments together: who asks hands over the
// beginning of what was said, and asks again with more if that was too little.
package dissect
