// Package vault takes the audit log of Vault or OpenBao as a second witness: what the
// vault accepted of whom, joined with the connections that agents made to it.
//
// # Vocabulary
//
// An [Entry] is one line of the audit log. A [Verdict] is what the log says of one
// connection. An [Identity] is how the log calls an agent.
//
// # What it promises
//
// A connection and a request belong together only by address, port and time, never by
// time alone. Each request counts once, though the log has two lines of it. Where the
// log was not read, nothing is said.
//
// # What it does not do
//
// It opens no file and reads no clock. The log says what the vault accepted, not what
// the agent kept.
package vault
