package lock

import (
	"cmp"
	"io"
	"slices"
	"strings"
)

// A State is what is known of a fetch.
type State string

// States, what matters most first. Only Verified is integrity.
const (
	Mismatch      State = "mismatch"                // somebody hashed the bytes, and they are not those that are locked
	NotLocked     State = "fetched-not-locked"      // no pin has the name
	OtherVersion  State = "locked-version-mismatch" // a pin has the name, none the version or the file
	NotVerifiable State = "not-verifiable"          // it is locked, and nobody hashed the bytes
	Verified      State = "verified"                // the hash of the bytes is one that is locked
)

// States are all of them.
var States = []State{Mismatch, NotLocked, OtherVersion, NotVerifiable, Verified}

// Bad says whether a state is a finding.
func (s State) Bad() bool { return s == Mismatch || s == NotLocked || s == OtherVersion }

// A Result is what is known of fetches of one artefact.
type Result struct {
	State     State  `json:"state"`
	Ecosystem string `json:"ecosystem"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	File      string `json:"file,omitempty"`
	Why       string `json:"why"`
	URL       string `json:"url"`
	Client    string `json:"client,omitempty"`
	Count     int    `json:"count"`
}

// A Report is what a log says of a lock file.
type Report struct {
	Results []Result       // what matters most first
	Counts  map[State]int  // fetches
	Formats map[string]int // lines, by what wrote them
	Lines   int
	Unread  int // lines that could not be read
	First   string
	Tunnels int // CONNECT: what was fetched in them is not in the log
	Failed  int // nothing was handed out
	Other   int // of no package
	Foreign int // of ecosystems that the lock file says nothing of
	Fetched int // pins of which anything was fetched

	index map[string]int
	seen  map[string]bool
}

// maxResults bounds how many artefacts are told apart.
const maxResults = 100_000

// A Checker compares fetches with locks.
type Checker struct {
	pins map[string][]*Pin // by ecosystem and name
	of   map[string]bool   // ecosystems
	Report
}

// NewChecker returns a checker of locks.
func NewChecker(locks ...*Lock) *Checker {
	c := &Checker{pins: map[string][]*Pin{}, of: map[string]bool{}, Report: Report{
		Counts: map[State]int{}, Formats: map[string]int{}, index: map[string]int{}, seen: map[string]bool{},
	}}
	for _, l := range locks {
		for i := range l.Pins {
			p := &l.Pins[i]
			c.of[p.Ecosystem] = true
			key := p.Ecosystem + " " + p.Name
			c.pins[key] = append(c.pins[key], p)
		}
	}
	return c
}

// Read compares each line of a log.
func (c *Checker) Read(r io.Reader) error {
	return Lines(r, func(_ int, line string) {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			return
		}
		c.Lines++
		f, format, err := ParseLine(line)
		if err != nil {
			if c.Unread++; c.First == "" {
				c.First = line[:min(len(line), 200)]
			}
			return
		}
		c.Formats[format]++
		c.Add(&f)
	})
}

// Add compares one fetch.
func (c *Checker) Add(f *Fetch) {
	switch {
	case f.Method == "CONNECT":
		c.Tunnels++
		return
	case f.Method != "GET" || f.Status != 200 && f.Status != 206:
		c.Failed++
		return
	}
	a, ok := Identify(f.URL)
	if !ok {
		c.Other++
		return
	}
	if !c.of[a.Ecosystem] && a.Digest.Algorithm == "" {
		c.Foreign++
		return
	}
	state, why := c.judge(&a, f)
	if state == "" {
		c.Foreign++
		return
	}
	c.note(Result{State: state, Ecosystem: a.Ecosystem, Name: a.Name, Version: a.Version, File: a.File, Why: why, URL: f.URL, Client: f.Client, Count: 1})
}

// judge says what is known of a fetch, and why.
func (c *Checker) judge(a *Artefact, f *Fetch) (State, string) {
	if f.Status == 206 {
		f.Digests = nil // of a part
	}
	if d, ok := digestOf(f.Digests, a.Digest.Algorithm); ok && d.Hex != a.Digest.Hex {
		return Mismatch, "the bytes have another " + d.Algorithm + " than the URL says"
	} else if !c.of[a.Ecosystem] {
		return addressed(a, ok)
	}
	named := c.named(a)
	if len(named) == 0 {
		return NotLocked, "no " + a.Ecosystem + " package of that name is locked"
	}
	pins := slices.DeleteFunc(slices.Clone(named), func(p *Pin) bool { return !p.is(a) })
	if len(pins) == 0 {
		return OtherVersion, "locked is " + versions(named)
	}
	for _, p := range pins {
		if key := p.Ecosystem + " " + p.Name + " " + p.Version + " " + p.File; !c.seen[key] {
			c.seen[key] = true
			c.Fetched++
		}
	}
	return compare(pins, a, f)
}

// addressed is of what no lock file fixes, and whose URL is its digest.
func addressed(a *Artefact, hashed bool) (State, string) {
	if a.Ecosystem != OCI && a.Ecosystem != Debian {
		return "", ""
	}
	if hashed {
		return Verified, "the bytes have the " + a.Digest.Algorithm + " that the URL says; no lock file fixes it"
	}
	return NotVerifiable, "the URL is its digest; nobody hashed the bytes"
}

// named returns the pins of the name. Before the name of a Go module a mirror may
// have a path of its own.
func (c *Checker) named(a *Artefact) []*Pin {
	for name, ok := a.Name, true; ok; _, name, ok = strings.Cut(name, "/") {
		if pins := c.pins[a.Ecosystem+" "+name]; pins != nil {
			a.Name = name
			return pins
		}
		if a.Ecosystem != Go {
			break
		}
	}
	return nil
}

// is says whether a pin is of an artefact.
func (p *Pin) is(a *Artefact) bool {
	if !strings.EqualFold(p.Version, a.Version) {
		return false
	}
	return p.File == "" || strings.EqualFold(p.File, a.File)
}

func versions(pins []*Pin) string {
	var out []string
	for _, p := range pins {
		if !slices.Contains(out, p.Version) {
			out = append(out, p.Version)
		}
	}
	slices.Sort(out)
	if len(out) > 3 {
		out = append(out[:3], "...")
	}
	return strings.Join(out, ", ")
}

// compare says whether the bytes are those of any pin.
func compare(pins []*Pin, a *Artefact, f *Fetch) (State, string) {
	compared, other := false, ""
	for _, p := range pins {
		for _, want := range p.Digests {
			if got, ok := digestOf(f.Digests, want.Algorithm); ok {
				compared = true
				if got.Hex == want.Hex {
					return Verified, "the bytes have the " + got.Algorithm + " that is locked"
				}
				other = want.Algorithm
			}
		}
	}
	if compared {
		return Mismatch, "the bytes have another " + other + " than the locked one"
	}
	return unhashed(pins, a, f)
}

// unhashed says why nothing is known of the bytes.
func unhashed(pins []*Pin, a *Artefact, f *Fetch) (State, string) {
	addressed := false
	for _, p := range pins {
		at, ok := Identify(p.URL)
		if !ok || at.Digest.Algorithm == "" || at.Digest.Algorithm != a.Digest.Algorithm {
			continue
		}
		if at.Digest.Hex == a.Digest.Hex {
			return NotVerifiable, "its URL has the digest of the locked one; nobody hashed the bytes"
		}
		addressed = true
	}
	switch {
	case addressed:
		return Mismatch, "its URL has another digest than the locked one"
	case f.Status == 206:
		return NotVerifiable, "only a part was fetched"
	case !slices.ContainsFunc(pins, func(p *Pin) bool { return len(p.Digests) > 0 }):
		return NotVerifiable, "the lock file has no digest that could be compared"
	case len(f.Digests) > 0:
		return NotVerifiable, "the log has other digests than the lock file"
	}
	return NotVerifiable, "nobody hashed the bytes"
}

func digestOf(list []Digest, algorithm string) (Digest, bool) {
	i := slices.IndexFunc(list, func(d Digest) bool { return d.Algorithm == algorithm && algorithm != "" })
	if i < 0 {
		return Digest{}, false
	}
	return list[i], true
}

// note counts a result; the same ones are one.
func (r *Report) note(x Result) {
	r.Counts[x.State]++
	key := strings.Join([]string{string(x.State), x.Ecosystem, x.Name, x.Version, x.File, x.Why}, "\x00")
	if i, ok := r.index[key]; ok {
		r.Results[i].Count++
		return
	}
	if len(r.Results) < maxResults || x.State == Mismatch {
		r.index[key] = len(r.Results)
		r.Results = append(r.Results, x)
	}
}

// Sorted returns the results, what matters most first.
func (r *Report) Sorted() []Result {
	out := slices.Clone(r.Results)
	slices.SortStableFunc(out, func(a, b Result) int {
		return cmp.Or(cmp.Compare(slices.Index(States, a.State), slices.Index(States, b.State)),
			cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.File, b.File))
	})
	return out
}
