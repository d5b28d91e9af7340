// Package assemble makes flows of packets: one for each connection, with bytes
// both ways and with the name that its client said, and an answer for each DNS
// response.
//
// # Vocabulary
//
// A flow is delivered once. A [Table] that is told to be prompt delivers it as
// soon as its name is known, or a second after it began; one that is not, when
// it has ended, with all its bytes. What comes after a flow was delivered is
// delivered as the rest of it.
//
// # What it promises
//
// The same packets give the same events, whatever the machine does meanwhile:
// time is that of the packets. Memory is bounded: of flows, of what is put
// together to find a name, and of names. Where a bound is reached a flow is
// delivered early, or without a name; none is lost, and each case is counted.
//
// # What it does not do
//
// It does not know which addresses are local, and so not which flows matter.
package assemble
