// Package netflow decodes what routers and firewalls export about flows:
// NetFlow v5, NetFlow v9 (RFC 3954) and IPFIX (RFC 7011).
//
// # Vocabulary
//
// An exporter sends datagrams. A datagram of v9 or IPFIX is a list of sets. A
// template set says what the records of a data set look like; an options data
// set says something about the exporter itself, such as how it samples. A domain
// is a part of an exporter with templates of its own.
//
// # What it promises
//
// Whatever the bytes, memory is bounded, and what cannot be read is an error with
// a cause. A data set whose template has not come yet waits for it. A template
// of no length is refused: its records would never end. Sequence numbers are
// watched, so that what was sent and did not come is counted.
//
// The grammar of templates is that of the goflow2 library. Records, which are
// many, are read here by a plan that is made once for each template: the library
// keeps every field of every record on the heap.
package netflow
