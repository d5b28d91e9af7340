package enforce

import (
	"slices"
	"time"
)

// A Kind is what an alert is about. Its text is part of the schema of alerts:
// kinds are added, never renamed.
type Kind string

// Destination is the kind of a verdict of the policy: a flow that no rule of its
// agent admits. The other kinds say of themselves where they are made.
const Destination Kind = "destination"

// A Severity is how much an alert matters.
type Severity string

// Severities, the least first.
const (
	Info     Severity = "info"
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Severities are all of them, the least first.
var Severities = []Severity{Info, Low, Medium, High, Critical}

// Above says whether s matters more than t. What is no severity matters least.
func (s Severity) Above(t Severity) bool {
	return slices.Index(Severities, s) > slices.Index(Severities, t)
}

// Severity is how much a verdict matters.
func (v Verdict) Severity() Severity {
	switch v {
	case Drift:
		return Low
	case Unexpected:
		return High
	case Forbidden:
		return Critical
	case Allowed:
	}
	return Info
}

// Finding returns the alert for what is no verdict on one flow: a source that fell
// silent, a budget that was exceeded. Agent may be "". Subject is what it is about,
// the same whenever the same thing is found again.
func Finding(kind Kind, severity Severity, at time.Time, agent, subject, why string) *Alert {
	return &Alert{
		Time: at, Last: at, Count: 1, Kind: kind, Severity: severity, Status: StatusNew,
		Agent: agent, Subject: subject, Why: why, Verdict: Unexpected,
	}
}
