package source

import (
	"fmt"
	"net/netip"
	"time"

	"tripline/learn"
)

// A Source is a place flows come from.
type Source struct {
	Name   string // what the command line calls it: "filterlog"
	Short  string // one line of help, no full stop
	Sees   Sees
	Speaks Speaks
	// Lines makes the parser of a source whose records are the lines of a log:
	// reading and following files, rotation and cursors are written once.
	Lines func(Options) Parser
	// Away says that rotated files leave the directory of the log.
	Away bool
	// Open is for every other source: it begins to read path, or goes on behind
	// cursor.
	Open func(path string, cursor []byte, o StreamOptions) (Stream, error)
	// Live is for what the kernel of this machine tells itself: it is opened where
	// the path is [Kernel].
	Live func(o StreamOptions) (Stream, error)
	// Parts are what [Together] reads as one.
	Parts []Input
	// Folder says that path may be a directory, whose logs are read together.
	Folder bool
	// Sniff refuses a file that is something else, with a hint. Head is its
	// first bytes, up to 4 KiB, decompressed. Nil means that reading may start,
	// not that every line will be understood.
	Sniff func(head []byte) error
}

// Speaks is how a source is made to tell of an agent: what to do, and what to
// look for, where it told nothing. The zero value speaks of any sensor.
type Speaks struct {
	Silent string // why connections may be missing, after "no outbound connection of anybody: "
	How    string // what to do about it
	Where  string // what to name instead of a log of another program
	// Aside is what a record is called that is none of its own, and several; "line of
	// other programs" where it is empty.
	Aside [2]string
}

// Sees is what a source knows of a flow beside addresses and ports.
type Sees struct {
	Names   bool // from DNS, SNI, QUIC or HTTP
	Bytes   bool // up and down
	Process bool // or container
	// It watches where other addresses have taken the place of those of the
	// hosts, and of containers on them.
	AfterNAT bool
	Passed   bool // only what was let through
	Late     bool // a connection as such when it has ended
	// Evidence says that the source has no connections, only what names were
	// resolved to: it names those of other sources.
	Evidence bool
	Blind    string // what it cannot see or may drop, in a few words
}

// All is every source, sorted by name.
var All = []Source{
	adguardSource,
	captureSource,
	conntrackSource,
	dnsmasqSource,
	dnstapSource,
	ebpfSource,
	eveSource,
	filterlogSource,
	hostSource,
	netfilterSource,
	netflowSource,
	pcapSource,
	pfblockerngSource,
	vpcflowSource,
	zeekSource,
}

// Find returns the source called name. The error hints at the nearest name.
func Find(name string) (Source, error) {
	for _, s := range All {
		if s.Name == name {
			return s, nil
		}
	}
	err := fmt.Errorf("no source called %q", name)
	const list = `"tripline sources" lists the sources`
	if near, ok := nearest(name); ok {
		return Source{}, learn.WithHint(err, "did you mean %q? %s", near, list)
	}
	return Source{}, learn.WithHint(err, list)
}

// Options is what a source cannot know from its input. The zero value is
// usable.
type Options struct {
	Zone     *time.Location // of time stamps that carry none; nil is UTC
	Local    []netip.Prefix // local beside private space: RFC 1918, RFC 4193, 100.64.0.0/10
	Inside   []string       // interfaces towards the hosts, where inference is not enough
	Outside  []string       // interfaces towards the internet, likewise
	Firewall []netip.Addr   // the firewall's own addresses: no destinations of interest
	Early    bool           // count a connection when it begins, not when all is known of it; [Open] sets it while following
}

// A Parser reads the records of one stream, in its order. It is not for
// concurrent use.
type Parser interface {
	// Parse reads one line, without its line end, into r. Newest is when the
	// file was last changed: some stamps have no year, some lines no time, and
	// cannot be read if it is zero. The line is not kept. On an error, always a *RecordError, r is zero.
	Parse(line []byte, newest time.Time, r *Record) error
	// State returns what must survive a restart.
	State() []byte
	// Restore goes back to a state. On an error the parser is unchanged.
	Restore(state []byte) error
}
