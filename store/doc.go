// Package store keeps what was seen between runs: every flow, the destinations
// folded from them, where each source was read up to, the baselines a person
// approved, and the published ranges they were folded with. It is one file.
//
// # Vocabulary
//
// A [Batch] is what is written at once: flows of one run and the cursors of
// the sources they came from. A cursor is a source's own note of how far it was
// read; the store never looks into it. A [Run] is a named stretch of learning.
// A [Snapshot] is a publisher's list as it was fetched.
//
// # What it promises
//
// A batch is there entirely or not at all, and once [Store.Commit] has returned
// it survives a kill and a power cut. Cursors are in the same transaction as
// the flows read up to them, so that no flow is lost and none is counted twice.
// Every flow comes back exactly as it was committed, in that order.
// Destinations equal the fold of the flows, as [learn.Destination.Add] does it.
// A connection that goes on ([Lasting]) is one of them, and is counted once: the
// batch that brings its end takes its place.
//
// Baselines are found by the SHA-256 of their text and chained per agent. A
// text that was changed behind the store's back is reported, never returned.
// A file that is something else, is cut off or was written by a newer tripline
// is an error and stays as it is. [Store.Check] finds damage anywhere.
//
// # What it does not do
//
// It is no guard against someone who can write the file and knows this page:
// they can recompute every hash. It does not read baselines, agents or cursors:
// to the store they are bytes.
//
// # Format
//
// The file is a bbolt database, page size in its first page. Integers in keys
// are big-endian; uvarint and varint are those of encoding/binary; an instant
// is a varint of seconds since 1970 and a uvarint of nanoseconds; a text is a
// uvarint length and its bytes. Schema 2 has these buckets:
//
//	meta          schema -> decimal number; pruned -> latest instant of a Prune
//	agents        name -> what the caller put
//	runs          name -> JSON: id, times as [seconds, nanoseconds], counters
//	cursors       key -> what the source put
//	flows         uint64 sequence -> block
//	destinations  agent -> bucket: target -> sums
//	baselines     agent -> bucket: chain (uint64 -> digest, link), docs (digest -> text)
//	shown         hex digest -> instant, text
//	snapshots     name -> bucket: about (JSON), data (zstd)
//	decisions     agent -> bucket: SHA-256 of the row's key -> text of the key, what the caller put
//	resolved      agent -> JSON: addresses that approved names were at since
//	hits          agent -> bucket: destination of a rule -> instant; NUL "days" -> days
//	forecasts     agent -> bucket: uint64 seconds since 1970, digest -> what the caller put
//	marks         agent -> bucket: uint64 sequence number -> instant, run, name
//	states        name -> what the caller put
//	uses          agent -> bucket: place -> JSON, what was used of a budget there
//	lasting       key of a connection -> block of one flow, without a run if it was checked
//	checked       uint64 sequence -> block, of no run
//	stays         uint64 nanoseconds since 1970, address, container -> JSON
//	alerts        buckets kept: ID -> instants last seen and written, open (1 byte), text of the watch,
//	              what the caller put; watches: name -> what the caller put; said: key -> what the caller put
//
// Schema 1 had no decisions.
//
// A target is protocol (1 byte), port (2), length of the address (1: 0, 4 or
// 16), address, name; of a name longer than 1024 bytes its SHA-256 alone, after a
// NUL. Sums are the instants first and last; flows, refused, up and down as
// uvarints; evidence (1 byte); the number of time blocks, the first and then the
// distances between them; the same for the numbers of runs; the name, if the
// key has only its hash. Sorting by key sorts by protocol, port and address.
//
// A block is version (1 byte), codec (0 plain, 1 zstd), uvarint count, the
// earliest and the latest instant, the run's name, the length of the plain
// body, the body, and CRC-32C (4 bytes, little-endian) of all before. The body
// is a dictionary of texts, one of addresses (length byte and bytes), a uvarint
// unit of the nanoseconds, and then each column as a uvarint length and bytes,
// in the order of the columns in column.go. A block holds at most 65536 flows.
// Blocks of version 1 end before the column of processes. A process is a text: its
// number and its user as varints; executable, cgroup, container and trace as
// texts; a uvarint count of arguments and the arguments; the same for ancestors.
// Blocks of version 2 end before the column of payloads, which is empty or has a text
// for each flow, empty for none: uvarints of how many bytes are hashed and of the
// requests that are not there, a text why it stopped, a uvarint count of exchanges, and
// for each a byte of what follows (1 up, 2 down, 4 and 8 the same cut off) and for both
// a uvarint of their bytes and the 32 bytes of their hash.
//
// Days are numbers of days since 1970, written as the numbers of runs are. The
// buckets of hits, forecasts, marks, lasting, checked, stays, states, alerts, resolved and uses are made
// when they are first needed.
//
// A link of the chain is SHA-256 of the link before it and the digest; the
// first link before is SHA-256 of "tripline chain", a newline and the agent.
//
// # What will still be readable
//
// Every tripline reads the schemas of all before it: opening the file for
// writing migrates it in one transaction. Keys of JSON values are only ever
// added. A block says its own version, so old blocks stay as they were written.
package store
