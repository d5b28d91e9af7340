package learn

import "time"

// An Approval says who approved a baseline, when and why, and the digest of
// what they were shown.
type Approval struct {
	By     string
	At     time.Time
	Reason string
	Shown  string
}

// A Baseline is the approved rules of one agent. It is content-addressed and
// names the baseline before it, so the baselines of an agent form a chain.
type Baseline struct {
	Agent    string
	Digest   string            // of the document, hex SHA-256; not part of it
	Parent   string            // digest of the baseline before this one, "" for the first
	Approved *Approval         // nil while it is a proposal
	Ranges   map[string]string // the range data it was folded with: name to digest
	Rules    []Rule
	Expired  []Expired // what was let go because it was not hit any more
}
