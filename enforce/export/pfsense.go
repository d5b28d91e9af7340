package export

// An address alias of pfSense, as a URL table fetches it:
//
//	# tripline: what agent bot may reach on tcp/443
//	192.0.2.7
//	198.51.100.0/24
//	2001:db8::/32
//
// Format: https://docs.netgate.com/pfsense/en/latest/firewall/aliases-types.html
// and, for what is not written there, pfSense's own parser: a line is cut at the
// first blank and at "#", but a tab, a range or a comment that is no host name
// loses the address. So entries stand alone, and comments are whole lines.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tripline/enforce"
	"tripline/learn"
)

var pfsense = Format{
	Name:  "pfsense",
	Short: "pfSense aliases: URL tables, port lists, import texts and a config.xml section",
	Files: pfsenseFiles,
}

const (
	aliasMax  = 5000    // entries pfSense's page saves in one alias
	tableWarn = 200_000 // half of pfSense's limit: a reload holds old and new at once
)

// pfsenseRules are the protocols a rule of pfSense can name, as its page calls
// them. SCTP is there, but pf matches no ports with it.
var pfsenseRules = map[learn.Proto]string{
	learn.TCP: "TCP", learn.UDP: "UDP", learn.ICMP: "ICMP", learn.ICMPv6: "ICMP",
	learn.IGMP: "IGMP", learn.GRE: "GRE", learn.ESP: "ESP",
	41: "IPV6", 51: "AH", 89: "OSPF", 103: "PIM",
}

// pfsenseCannot is the [limit] of pfSense.
func pfsenseCannot(s learn.Service) string {
	switch {
	case s.Proto == learn.SCTP:
		return "pfSense cannot restrict the ports of SCTP; it is not exported"
	case pfsenseRules[s.Proto] == "":
		return "a rule of pfSense cannot name this protocol; it is not exported"
	case s.Proto.HasPorts() && s.Port == 0:
		return "pfSense has no port 0; it is not exported"
	}
	return ""
}

// An aliasSet is everything one export to pfSense is made of.
type aliasSet struct {
	Options
	agents []*enforce.AgentPolicy
	tables []*table
	notes  []Note
	names  map[string]bool // of all aliases of all agents, exported or not
}

func pfsenseFiles(p *enforce.Policy, o Options) ([]File, []Note, error) {
	if err := o.check(p); err != nil {
		return nil, nil, err
	}
	base, err := baseURL(o.URL)
	if err != nil {
		return nil, nil, err
	}
	o.URL, o.Prefix = base, cmp.Or(o.Prefix, defaultPrefix)
	set, err := newAliasSet(p, o)
	if err != nil {
		return nil, nil, err
	}
	files, err := set.files()
	if err != nil {
		return nil, nil, err
	}
	return files, set.allNotes(), nil
}

func newAliasSet(p *enforce.Policy, o Options) (*aliasSet, error) {
	if err := checkPrefix(o.Prefix); err != nil {
		return nil, err
	}
	s := &aliasSet{Options: o, names: map[string]bool{}}
	namer := newNamer(o.Prefix, p.Agents)
	for _, a := range p.Agents {
		tables, notes := tablesOf(a, pfsenseCannot)
		if err := s.name(namer, tables); err != nil {
			return nil, err
		}
		if o.wants(a.Name) {
			if err := limitEntries(tables, p, o.Most); err != nil {
				return nil, err
			}
			s.agents, s.tables, s.notes = append(s.agents, a), append(s.tables, tables...), append(s.notes, notes...)
		}
	}
	return s, nil
}

// name names the tables. Two equal names would be one alias for both, which
// opens to each agent what the other may reach.
func (s *aliasSet) name(n *namer, tables []*table) error {
	for _, t := range tables {
		t.name = n.name(t)
		if s.names[t.name] {
			return learn.WithHint(fmt.Errorf("alias %s: two tables have this name", t.name), "give another --prefix")
		}
		s.names[t.name] = true
		s.names[t.portName()] = true
	}
	return nil
}

// portName returns the name of the port alias that belongs to the table.
func (t *table) portName() string { return t.name + "_p" }

func (s *aliasSet) files() ([]File, error) {
	var files []File
	for _, t := range s.tables {
		files = append(files, File{t.name + ".txt", t.urlTable()}, File{t.name + ".import.txt", t.importText()})
		if len(t.ports) > 0 {
			files = append(files, File{t.name + "_ports.txt", []byte(join(t.ports, "\n") + "\n")})
		}
	}
	s.warn()
	config, err := s.config()
	if err != nil {
		return nil, err
	}
	if config != nil {
		files = append(files, *config)
	}
	files = append(files, s.retire()...)
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return append(files, File{"README.txt", s.readme()}), nil
}

// config returns the section of config.xml, merged if there is something to
// merge into. Without aliases to add there is none: pfSense refuses an empty
// one, and the user has the other.
func (s *aliasSet) config() (*File, error) {
	aliases := s.aliases()
	if s.Merge == nil {
		if len(aliases) == 0 {
			return nil, nil
		}
		s.notes = append(s.notes, Note{Why: "restoring " + newOnly + " deletes every alias that is not in it: " + mergeAdvice})
		return &File{newOnly, freshConfig(aliases)}, nil
	}
	text, old, err := mergeConfig(s.Merge, aliases)
	if err != nil {
		return nil, learn.WithHint(err, "download it again: Diagnostics > Backup & Restore, backup area Aliases, without encryption")
	}
	s.noteOld(old)
	if len(aliases) == 0 {
		return nil, nil
	}
	return &File{merged, text}, nil
}

const (
	merged      = "aliases.xml"
	newOnly     = "aliases-new-only.xml"
	mergeAdvice = "download your aliases first and export with --merge"
)

// noteOld notes what of the merged configuration looks like an alias of an
// earlier export.
func (s *aliasSet) noteOld(old []string) {
	for _, name := range old {
		if strings.HasPrefix(name, s.Prefix+"_") && !s.names[name] {
			s.notes = append(s.notes, Note{Why: "alias " + clip(plain(name), 40) + " of an earlier export is kept as it is and opens what stands in it; delete it once no rule uses it"})
		}
	}
}

// warn notes what pfSense may refuse for its size.
func (s *aliasSet) warn() {
	total := 0
	for _, t := range s.tables {
		n := len(t.set.Prefixes())
		total += n
		if n > aliasMax && s.URL == "" {
			s.notes = append(s.notes, Note{plain(t.agent.Name), "", fmt.Sprintf("alias %s has %s entries: the alias page of pfSense saves at most %s; export with --url or --max-entries %d", t.name, thousands(n), thousands(aliasMax), aliasMax)})
		}
	}
	if total > tableWarn {
		s.notes = append(s.notes, Note{Why: thousands(total) + " entries in all: pfSense holds 400,000 by default, of all tables and with the old ones while it reloads; raise System > Advanced > Firewall & NAT > Firewall Maximum Table Entries"})
	}
}

// allNotes returns the notes of the export and of its tables.
func (s *aliasSet) allNotes() []Note {
	notes := slices.Clone(s.notes)
	for _, t := range s.tables {
		notes = append(notes, t.notes...)
	}
	slices.SortStableFunc(notes, func(a, b Note) int { return cmp.Or(cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Rule, b.Rule)) })
	return notes
}
