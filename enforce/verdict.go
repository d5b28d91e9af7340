package enforce

import (
	"fmt"

	"tripline/learn"
)

// A Verdict is what a policy says of a flow. The zero value is [Allowed].
type Verdict uint8

const (
	// Allowed means that a rule of this agent admits it.
	Allowed Verdict = iota
	// Drift means not admitted, but close and explained, such as a new address of
	// the owner of an approved one.
	Drift
	// Unexpected means that nothing explains it.
	Unexpected
	// Forbidden means in the bounding set, or a name that does not belong to the
	// address.
	Forbidden
)

var verdictNames = [...]string{"allowed", "drift", "unexpected", "forbidden"}

// String returns the verdict in lower case.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("verdict-%d", uint8(v))
}

// MarshalText writes what [Verdict.String] returns.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what [Verdict.MarshalText] wrote.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, name := range verdictNames {
		if name == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("unknown verdict %q", learn.Printable(string(text)))
}
