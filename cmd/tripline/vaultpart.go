package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/enforce/vault"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
)

// The kinds of what the audit log says of a connection to the vault.
const (
	vaultForeign  enforce.Kind = "vault_foreign_token"
	vaultDenied   enforce.Kind = "vault_denied"
	vaultUnauth   enforce.Kind = "vault_unauthenticated"
	vaultNoAudit  enforce.Kind = "vault_no_audit"
	quietUp                    = 2000 // bytes of a connection that asked for nothing: a handshake, a health probe
	quietRepeated              = 10   // of them in ten minutes that are no accident
)

// A vaulting is the part of enforce that joins connections to the vault with its
// audit log.
type vaulting struct {
	w       *watching
	c       *learn.Vault
	witness *vault.Witness
	log     source.Stream
	unread  int
	inside  int
	first   error
	told    bool
}

// newVaulting makes the part where the configuration has a vault.
func newVaulting(w *watching) (part, error) {
	c := w.a.config.Vault
	if c == nil {
		return nil, nil
	}
	v := &vaulting{w: w, c: c, witness: vault.New(c.Agents, c.Settle)}
	if _, err := os.Stat(c.Audit); err != nil && !w.o.follow {
		return nil, learn.WithHint(fmt.Errorf("audit log of the vault: %w", err), "vault: audit: in %s", configName)
	}
	for _, name := range w.names {
		if _, ok := c.Agents[name]; !ok {
			w.a.warn("vault: agents: says nothing of %s: a foreign token can be told only where it is that of another agent", name)
		}
	}
	v.witness.Whole = !w.o.follow
	src := source.Source{Name: "vault audit", Lines: func(source.Options) source.Parser { return &auditParser{v} }}
	var err error
	v.log, err = source.Open(src, c.Audit, nil, source.StreamOptions{Follow: w.o.follow, Whole: !w.o.follow})
	if err != nil {
		return nil, fmt.Errorf("audit log of the vault: %w", err)
	}
	return v, nil
}

// An auditParser hands the lines of the audit log to the witness; none of them is a
// flow.
type auditParser struct{ v *vaulting }

// Parse implements [source.Parser].
func (p *auditParser) Parse(line []byte, _ time.Time, r *source.Record) error {
	*r = source.Record{}
	e, err := vault.Parse(line)
	switch {
	case err == nil:
		p.v.witness.Hear(e)
	case errors.Is(err, vault.ErrInternal):
		p.v.inside++
	default:
		return &source.RecordError{Source: "vault audit", Cause: source.Cause(err.Error())}
	}
	return nil
}

// State implements [source.Parser]: there is none.
func (p *auditParser) State() []byte { return nil }

// Restore implements [source.Parser].
func (p *auditParser) Restore([]byte) error { return nil }

func (v *vaulting) flow(f *learn.Flow, _ enforce.Verdict) error {
	if f.Proto == learn.TCP && f.Dst == v.c.Address.Addr() && f.DstPort == v.c.Address.Port() && f.Action == learn.Pass {
		v.witness.Connect(f, v.w.a.now())
	}
	return nil
}

// auditAtOnce is how many lines of the audit log are read in one turn while following:
// an old log of gigabytes is not to hold up what is found elsewhere.
const auditAtOnce = 20_000

// read takes up what the audit log has, and says whether that is all. A line that
// cannot be read is counted.
func (v *vaulting) read() (all bool, err error) {
	var r source.Record
	for n := 0; !v.w.o.follow || n < auditAtOnce; n++ {
		err := v.log.Next(&r)
		switch bad, ok := recordError(err); {
		case exhausted(err):
			return true, nil
		case ok:
			if v.unread++; v.first == nil {
				v.first = bad
			}
		case err != nil:
			return false, fmt.Errorf("audit log of the vault: %w", err)
		}
	}
	return false, nil
}

func (v *vaulting) tick(_ context.Context, now time.Time) error {
	all, err := v.read()
	if err != nil || !all {
		return err
	}
	if v.witness.Entries == 0 && v.witness.Waiting() > 0 && !v.told {
		v.told = true
		v.w.a.warn("the audit log %s has no request yet: it is not known what was asked of the vault", v.c.Audit)
	}
	for _, j := range v.witness.Settle(now, !v.w.o.follow) {
		if al := finding(&j); al != nil {
			err = errors.Join(err, v.w.raise(al))
		}
	}
	return err
}

// finding is the alert for a connection, nil for what is as it should be.
func finding(j *vault.Joined) *enforce.Alert {
	f := &j.Flow
	var kind enforce.Kind
	severity, why := enforce.Medium, ""
	switch j.Verdict {
	case vault.ForeignToken:
		kind, severity = vaultForeign, enforce.High
		why = fmt.Sprintf("it asked the vault for %s with a token that is not its own (%s)", j.Path, j.Token)
		if j.Owner != "" {
			why += ": that of " + j.Owner
		}
	case vault.Denied:
		kind, why = vaultDenied, fmt.Sprintf("the vault refused all it asked for, such as %s (%s)", j.Path, j.Token)
	case vault.UnauthenticatedOnly:
		kind, why = vaultUnauth, fmt.Sprintf("%s to the vault and no token that is known: none, a bogus or an expired one, or a login that failed (%s)", count(uint64(j.Requests), "request", "requests"), j.Path)
	case vault.NoAudit:
		if f.Up <= quietUp && j.Silent < quietRepeated {
			return nil
		}
		kind, why = vaultNoAudit, learn.Size(f.Up)+" sent to the vault, and its audit log has no request of that connection"
		if f.Up <= quietUp {
			severity, why = enforce.Low, fmt.Sprintf("%d connections to the vault in ten minutes, and its audit log has no request of them", j.Silent)
		}
	case vault.Authorised:
		return nil
	}
	al := enforce.Finding(kind, severity, f.Time, f.Agent, fmt.Sprintf("%s:%d", f.Dst, f.DstPort), why)
	al.Proto, al.Dst, al.Port, al.Src, al.Action, al.Process = f.Proto.String(), f.Dst.String(), f.DstPort, f.Src.String(), f.Action.String(), f.Process
	return al
}

// close says what was joined, and what could not be.
func (v *vaulting) close() error {
	var parts []string
	for _, verdict := range vault.Verdicts {
		if n := v.witness.Counts[verdict]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", ipranges.Thousands(uint64(n)), verdict))
		}
	}
	for _, more := range []struct {
		n    int
		what string
	}{
		{v.witness.Before, "from before its audit log begins"}, {v.witness.Waiting(), "not settled yet"}, {v.witness.Dropped, "too many to hold"},
	} {
		if more.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", ipranges.Thousands(uint64(more.n)), more.what))
		}
	}
	if len(parts) > 0 {
		v.w.a.say("connections to the vault: %s; %s in its audit log, %s of its own", strings.Join(parts, ", "),
			count(uint64(v.witness.Requests), "request", "requests"), count(uint64(v.inside), "line", "lines"))
	}
	if v.unread > 0 {
		v.w.a.warn("%s: %s could not be read (the first: %v)", v.c.Audit, count(uint64(v.unread), "line", "lines"), v.first)
	}
	return v.log.Close()
}
