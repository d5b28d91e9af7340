package export

import (
	"slices"
	"strings"

	"tripline/enforce"
)

// What the first comment of a table is made of. A later export recognises its
// files by it.
const (
	titleStart = "tripline: what agent "
	titleMid   = " may reach on "
)

// overMark begins the third line of a table that is over.
const overMark = "# opens nothing: "

// An over is a table of an earlier export that no rule needs any more. As long
// as the firewall has the alias it fetches the file, so the file stays and
// admits nothing: a table that parses to nothing is emptied.
type over struct {
	name, agent string
	title       string // its first line
	baseline    string // what ended it; "" if this export does
}

// retire returns what becomes of the files of tables that are over, and notes
// each of them.
func (s *aliasSet) retire() []File {
	var files []File
	for _, f := range s.Old {
		o, ok := readTable(f)
		if !ok || !s.ends(o) {
			continue
		}
		files = append(files, File{f.Name, o.text(s.baselineOf(o.agent))})
		for _, name := range []string{o.name + "_ports.txt", o.name + ".import.txt"} {
			if slices.ContainsFunc(s.Old, func(f File) bool { return f.Name == name }) {
				files = append(files, File{Name: name})
			}
		}
		s.notes = append(s.notes, Note{Agent: o.agent, Why: o.why()})
	}
	return files
}

func (o *over) why() string {
	return "alias " + o.name + " is no longer used: remove it and its rule in pfSense, then delete " + o.name +
		".txt; until then it stays open, unless pfSense fetches that file, which admits nothing now"
}

// ends says whether the export, which does not hold the table, is one that
// would: tables of an agent that was left out today go on.
func (s *aliasSet) ends(o over) bool {
	if !strings.HasPrefix(o.name, s.Prefix+"_") || s.names[o.name] {
		return false
	}
	return s.Whole && len(s.Agents) == 0 || s.agent(o.agent) != nil
}

// agent returns the exported agent of that plain name, nil if there is none.
func (s *aliasSet) agent(name string) *enforce.AgentPolicy {
	i := slices.IndexFunc(s.agents, func(a *enforce.AgentPolicy) bool { return plain(a.Name) == name })
	if i < 0 {
		return nil
	}
	return s.agents[i]
}

func (s *aliasSet) baselineOf(agent string) string {
	if a := s.agent(agent); a != nil {
		return plain(a.Baseline)
	}
	return "none"
}

// readTable recognises a table that an export wrote by its first two lines. What
// holds a byte that none would write is somebody else's.
func readTable(f File) (o over, ok bool) {
	lines := strings.SplitN(string(f.Text), "\n", 4)
	o.name, ok = strings.CutSuffix(f.Name, ".txt")
	if !ok || len(lines) < 3 || len(lines[0]) > lineMax || strings.ContainsFunc(lines[0]+lines[1], unprintable) {
		return over{}, false
	}
	o.title = lines[0]
	rest, isTitle := strings.CutPrefix(o.title, "# "+titleStart)
	mid := strings.LastIndex(rest, titleMid)
	digest, isAlias := strings.CutPrefix(lines[1], "# alias "+o.name+", baseline ")
	if !isTitle || mid < 0 || !isAlias || len(digest) > 64 {
		return over{}, false
	}
	o.agent = rest[:mid]
	if strings.HasPrefix(lines[2], overMark) {
		o.baseline = digest
	}
	return o, true
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }

// text returns the table without an entry. It keeps the lines it is recognised
// by, and the baseline that ended it first.
func (o *over) text(baseline string) []byte {
	if o.baseline != "" {
		baseline = o.baseline
	}
	return []byte(o.title + "\n" +
		"# alias " + o.name + ", baseline " + baseline[:min(64, len(baseline))] + "\n" +
		overMark + "that baseline removed its last rule\n" +
		"# Remove the alias and its rule in pfSense, then delete this file.\n")
}
