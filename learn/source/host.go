package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/live"
)

// All that this host can see of its own connections: packets for names and bytes,
// eBPF or sock_diag for processes, conntrack for who is behind a translated address.
// It takes what can be opened, and says what that is and what is not seen.
var hostSource = Source{
	Name:  "host",
	Short: "The best this Linux host offers: names, bytes, processes",
	Sees:  Sees{Names: true, Bytes: true, Process: true, Blind: "what it says it cannot see when it begins; names in encrypted hellos"},
	Speaks: Speaks{
		Silent: "no host or container here opened a connection",
		How:    "run it on the host of the agent",
		Aside:  notIP,
		Where:  "it reads no file: tripline learn --from host --follow, or an interface of this host",
	},
	Live: func(o StreamOptions) (Stream, error) { return openHost(anyInterface, o) },
	Open: func(path string, _ []byte, o StreamOptions) (Stream, error) { return openHost(path, o) },
}

// lookLeast is how often what the kernel tells of processes is looked at: it has room for
// some thousands of programs that begin.
const lookLeast = 100 * time.Millisecond

// hostSettle is how long a connection waits for what the others know of it: a
// capture has its name by then, or has none.
const hostSettle = 1500 * time.Millisecond

// A hostStream is the best of this host. There is no cursor: what happens now
// happens once.
type hostStream struct {
	attributed
	outer outers
	count Sighted
	lone  *lone // nil where nobody tells of what is opened
}

func newHostStream(s Stream, by attributor) *hostStream {
	return &hostStream{attributed: attributed{Stream: s, by: by}, outer: outers{young: map[outerKey]bool{}}}
}

// Next implements [Stream]. A capture of all interfaces sees what is translated
// twice: it counts as what the inside host said.
func (s *hostStream) Next(r *Record) error {
	if s.lone.next(r, time.Now()) {
		return nil
	}
	if err := s.attributed.Next(r); err != nil {
		return err
	}
	if err := s.lone.seen(r); err != nil {
		return err
	}
	if t := r.Translated; t != (Ends{}) && t.Src != r.Src {
		s.outer.note(outerKey{r.Proto, t})
	} else if r.Counted && s.outer.has(outerKey{r.Proto, Ends{Src: r.Src, Dst: r.Dst, SrcPort: r.SrcPort, DstPort: r.DstPort}}) {
		r.Counted, r.Why = false, SameConnection
	}
	if r.Counted {
		s.count.All++
	}
	if r.Counted && r.Process == nil {
		s.count.Alone++
	}
	return nil
}

// Sighted returns what packets or the kernel's table showed, and what processes
// opened.
func (s *hostStream) Sighted() []Sighted {
	if s.lone == nil {
		return nil
	}
	both := s.count.All - s.count.Alone
	return []Sighted{s.count, {Source: ebpfSource.Name, All: s.lone.count + both, Alone: s.lone.count}}
}

// Wait implements [Stream].
func (s *hostStream) Wait(ctx context.Context, d time.Duration) error {
	if _, ok := s.by.(*onlooker); ok {
		d = min(d, lookLeast)
	}
	return s.attributed.Wait(ctx, s.lone.wait(d, time.Now()))
}

// An outerKey is a connection as it is after translation.
type outerKey struct {
	proto learn.Proto
	ends  Ends
}

// outers are those that were met lately, in two generations.
type outers struct{ young, old map[outerKey]bool }

func (o *outers) note(k outerKey) {
	if len(o.young) >= mostOpenings {
		o.young, o.old = map[outerKey]bool{}, o.young
	}
	o.young[k] = true
}

func (o *outers) has(k outerKey) bool { return o.young[k] || o.old[k] }

// Cursor implements [Stream].
func (s *hostStream) Cursor() ([]byte, error) { return nil, nil }

// File implements [Stream].
func (s *hostStream) File() string { return hostSource.Name }

// openHost opens what can be opened. What needs rights comes first: the capture
// gives up those that it does not need.
func openHost(path string, o StreamOptions) (Stream, error) {
	if !isInterface(path) {
		return nil, learn.WithHint(fmt.Errorf("host on %s: there is no interface of that name", learn.Printable(path)), "--from host --follow looks at all; interfaces here: %s, or any", interfaces())
	}
	if !o.Follow {
		return nil, learn.WithHint(errors.New("host: what happens there has no end"), `"tripline learn" and "tripline enforce" look on with --follow`)
	}
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	by, how := openAttributor(o.Tell)
	o.rights, o.Settle = live.Watching, hostSettle
	s, sees, err := openSeen(path, o)
	if err != nil {
		return onlyProcesses(by, o, err)
	}
	if by == nil {
		o.Tell("host: " + sees)
		return newHostStream(s, nobody{}), nil
	}
	o.Tell("host: " + sees + "; processes by " + how)
	h := newHostStream(s, by)
	if k, ok := by.(*onlooker); ok && path == anyInterface {
		h.count.Source, h.lone = "what passed", newLone(k, &o.Options)
	}
	return h, nil
}

// onlyProcesses is what is left where neither packets nor the table can be had.
func onlyProcesses(by attributor, o StreamOptions, because error) (Stream, error) {
	if by != nil {
		_ = by.Close()
	}
	if _, ok := by.(*onlooker); !ok {
		return nil, because
	}
	s, err := openEBPF(o)
	if err == nil {
		o.Tell("host: connections and processes by eBPF alone")
	}
	return s, err
}

// openAttributor opens what says whose a connection is, and says what it misses.
func openAttributor(tell func(string)) (attributor, string) {
	k, err := openOnlooker()
	if err == nil {
		return k, "eBPF"
	}
	e, err2 := openEnquirer()
	if err2 != nil {
		tell(without("host: no processes", err))
		return nil, ""
	}
	tell(without("host: processes that end at once, and those of containers, are missed", err))
	status, _ := os.ReadFile("/proc/self/status") // who cannot read that says nothing of it
	if err := seesOthers(string(status)); err != nil {
		tell(without("host: processes of other users are missed", learn.WithHint(err, "setcap cap_net_raw,cap_sys_ptrace,cap_dac_read_search+ep tripline")))
	}
	return e, "sock_diag"
}

// without says what is missed, why, and what to do about it.
func without(what string, err error) string {
	text := what + ": " + err.Error()
	if hint := learn.HintOf(err); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}

// openSeen opens what connections are seen by, and says what that is.
func openSeen(path string, o StreamOptions) (s Stream, sees string, err error) {
	table := conntrackSource
	table.Live = func(o StreamOptions) (Stream, error) { return openTable(o) }
	list := []Input{{captureSource, path}, {table, Kernel}}
	if why := untracked(); why != "" {
		o.Tell("host: who is behind a translated address is not known: " + why)
		list = list[:1]
	}
	for len(list) > 0 {
		if s, err = openBest(list, o); err == nil {
			break
		}
		if failed := blame(list, err); failed == captureName {
			o.Tell(without("host: no names, and bytes only where the kernel counts them", err))
			list = list[1:]
		} else {
			o.Tell(without("host: who is behind a translated address is not known", err))
			list = list[:1]
			if failed == "" || len(list) == 0 || list[0].Source.Name != captureName {
				break
			}
		}
	}
	if len(list) == 0 || err != nil {
		return nil, "", err
	}
	return s, seenBy(list), nil
}

// blame says which of the inputs an error is of.
func blame(list []Input, err error) string {
	for _, in := range list {
		if strings.HasPrefix(err.Error(), in.Source.Name+" on ") {
			return in.Source.Name
		}
	}
	return ""
}

func openBest(list []Input, o StreamOptions) (Stream, error) {
	if len(list) == 1 {
		return Open(list[0].Source, list[0].Path, nil, o)
	}
	return openTogether(list, nil, o)
}

func seenBy(list []Input) string {
	var parts []string
	for _, in := range list {
		if in.Source.Name == captureName {
			parts = append(parts, "names and bytes by capture on "+learn.Printable(in.Path))
		} else {
			parts = append(parts, "translated addresses by conntrack")
		}
	}
	return strings.Join(parts, "; ")
}

// untracked says why the kernel's table would be empty, "" if it is not.
func untracked() string {
	text, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_count")
	if err != nil {
		return "the kernel does not track connections"
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || n == 0 {
		return "the kernel tracks none here, for no rule of a firewall or NAT uses it"
	}
	return ""
}

// nobody knows no process.
type nobody struct{}

func (nobody) who(*learn.Flow) *learn.Process { return nil }
func (nobody) look() error                    { return nil }
func (nobody) lost() int64                    { return 0 }
func (nobody) Close() error                   { return nil }
