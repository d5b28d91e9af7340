package learn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A decisionDoc is a decision as it is kept. Keys are only ever added.
type decisionDoc struct {
	Verb   Verb         `json:"verb"`
	Name   string       `json:"name,omitempty"`
	Label  string       `json:"label,omitempty"`
	ASN    uint32       `json:"asn,omitempty"`
	Prefix string       `json:"prefix,omitempty"`
	Ports  []string     `json:"ports"`
	Addrs  []netip.Addr `json:"addresses,omitempty"`
	Choice string       `json:"choice,omitempty"`
	By     string       `json:"by,omitempty"`
	At     time.Time    `json:"at"`
	Until  time.Time    `json:"until"`
	Runs   []string     `json:"runs,omitempty"`
}

// EncodeDecision returns a decision as [DecodeDecision] reads it.
func EncodeDecision(d Decision) ([]byte, error) {
	to := toRule(&Rule{To: d.To}).To
	doc := decisionDoc{Verb: d.Verb, Name: to.Name, Label: to.Label, ASN: to.ASN, Prefix: to.Prefix, Addrs: d.Addrs, By: d.By, At: d.At.UTC(), Until: d.Until.UTC(), Runs: d.Runs}
	for _, p := range d.Ports {
		doc.Ports = append(doc.Ports, p.String())
	}
	if d.claims() {
		doc.Choice = d.Choice.String()
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write decision on %s: %w", Printable(d.To.String()), err)
	}
	return text, nil
}

// DecodeDecision reads a decision strictly.
func DecodeDecision(text []byte) (Decision, error) {
	var doc decisionDoc
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&doc); err != nil {
		return Decision{}, fmt.Errorf("read decision: %w", err)
	}
	d, err := doc.decision()
	if err != nil {
		return Decision{}, fmt.Errorf("read decision on %q: %w", doc.Name+doc.Label+doc.Prefix, err)
	}
	return d, nil
}

func (doc *decisionDoc) decision() (Decision, error) {
	d := Decision{Verb: doc.Verb, Addrs: doc.Addrs, By: doc.By, At: doc.At.UTC(), Until: doc.Until.UTC(), Runs: doc.Runs}
	if !slices.Contains([]Verb{Accept, Narrow, Widen, Reject, Forbid, Skip}, d.Verb) {
		return Decision{}, fmt.Errorf("unknown decision %q", d.Verb)
	}
	if !slices.IsSorted(d.Runs) {
		return Decision{}, errors.New("the runs are not in order")
	}
	to, err := doc.to()
	if err != nil {
		return Decision{}, err
	}
	d.To = to
	for _, text := range doc.Ports {
		s, err := ParseService(text)
		if err != nil {
			return Decision{}, err
		}
		d.Ports = append(d.Ports, s)
	}
	if d.claims() {
		d.Choice, err = ParseChoice(doc.Choice)
	}
	return d, err
}

// to returns the destination. Its name is whatever the network called it.
func (doc *decisionDoc) to() (To, error) {
	if doc.Name != "" {
		return To{Name: doc.Name}, nil
	}
	return fromTo(&toDoc{Label: doc.Label, ASN: doc.ASN, Prefix: doc.Prefix})
}
