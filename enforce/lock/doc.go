// Package lock compares what a proxy handed out with what a lock file fixes.
//
// # Vocabulary
//
// A [Lock] is the pins of a lock file. A [Pin] is one artefact: a name, a version and
// digests. A [Fetch] is one line of a proxy's log, an [Artefact] what its URL says it
// was. A [State] is what is known of a fetch.
//
// # What it promises
//
// Only bytes that somebody hashed are ever [Verified]: the right host, the right name
// and the right version are no integrity. What cannot be read is counted. No text of a
// lock file or a log makes it panic.
//
// # What it does not do
//
// It opens no file and hashes nothing: a digest comes from a proxy that saw the bytes.
package lock
