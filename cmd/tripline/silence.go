package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
)

// speaks says how the source of a tally is made to speak.
func (t *tally) speaks() source.Speaks {
	s := t.src.Speaks
	s.Silent = cmp.Or(s.Silent, "it was not where connections pass, or they are not told from those that come in")
	s.How = cmp.Or(s.How, "let it watch where the agent's connections pass, from before they begin; where its hosts have public addresses: --local PREFIX")
	s.Where = cmp.Or(s.Where, "\"tripline sources\" lists what can be read, and --from says which it is")
	return s
}

// errNothing says why a log told nothing of the agents; nil if it did.
func (t *tally) errNothing(what string, agents []learn.Agent) error {
	what = t.called(what)
	names := make([]string, len(agents))
	for i, a := range agents {
		names[i] = a.String()
	}
	who := strings.Join(names, " ")
	switch {
	case t.claimed() > 0:
		return nil
	case t.both > 0:
		return t.errBoth()
	case t.records == 0 || t.readable() == 0:
		return t.errUnread(what)
	case t.counted == 0:
		return learn.WithHint(fmt.Errorf("%s has %s readable records and no outbound connection of anybody: "+
			"%s. It is not known whether %s was silent", what, ipranges.Thousands(t.readable()), t.speaks().Silent, who), "%s", t.speaks().How)
	case !t.passedIn && t.src.Sees.AfterNAT:
		return learn.WithHint(fmt.Errorf("%s has %s outbound connections, but none logged on the inside, where %s could be told from others: "+
			"the firewall does not log what its LAN rules pass, or its hosts are not known to be local", what, ipranges.Thousands(t.counted), who),
			"where the hosts have public addresses: --local PREFIX. Otherwise %s", t.speaks().How)
	}
	none := fmt.Sprintf("%s has %s, but none of %s: they are of ", what, count(t.counted, "outbound connection", "outbound connections"), who)
	if byProcess(agents) && len(t.programs) > 0 {
		return learn.WithHint(fmt.Errorf("%s%s", none, three(t.programs)), "name the executable as the kernel does: --agent NAME=exe:%s", learn.Printable(byCount(t.programs, once)[0]))
	}
	return learn.WithHint(fmt.Errorf("%s%s", none, t.others3()), "check the address of the agent, and that its connections are seen: %s", t.speaks().How)
}

// errUntold says why a log without findings is not known to be clean; nil if it
// is.
func (t *tally) errUntold(what string) error {
	switch {
	case t.both > 0:
		return t.errBoth()
	case len(t.deaf) > 0:
		return learn.WithHint(fmt.Errorf("%s: none of its records could be read as %s: what it says is not known", learn.Printable(strings.Join(t.deaf, ", ")), t.name()),
			`"tripline flows --from %s --all %s" shows what was understood; "tripline sources" lists the formats`, t.name(), t.deaf[0])
	case t.missing:
		return learn.WithHint(fmt.Errorf("%s: nothing unexpected in what was read, but not all of it is there: what it would say is not known", what),
			"check the names of the logs, such as /var/log/filter.log")
	case t.lost > 0:
		return learn.WithHint(fmt.Errorf("%s: nothing unexpected in what was read, but %s: what was in between is not known",
			what, count(uint64(t.lost), "file was rotated away before it was read", "files were rotated away before they were read")),
			"check the rotated files, if they are still there: tripline enforce %s.0", what)
	case t.gone > 0:
		return learn.WithHint(fmt.Errorf("%s: nothing unexpected in what was read, but %s never reached tripline: what they said is not known",
			what, count(uint64(t.gone), "record", "records")), "log less, or closer to where tripline runs; over a network, tcp:// loses less than udp://")
	case t.sampled > 1:
		return learn.WithHint(fmt.Errorf("%s: nothing unexpected in what was read, but the exporter looks at one packet in %s only: what is in the others is not known",
			what, ipranges.Thousands(t.sampled)), "let the exporter look at every packet (sampling 1:1), or use a source that does")
	}
	return nil
}

// errBoth says that it could not be told whose connections they are.
func (t *tally) errBoth() error {
	return learn.WithHint(fmt.Errorf("%s cannot be told apart: %w", count(t.both, "connection", "connections"), t.overlap), "%s", learn.HintOf(t.overlap))
}

// byProcess says whether agents are found by what they run alone.
func byProcess(agents []learn.Agent) bool {
	return !slices.ContainsFunc(agents, func(a learn.Agent) bool {
		return slices.ContainsFunc(a.Selectors, func(s learn.Selector) bool { return s.Process == (learn.Criterion{}) })
	})
}

// others3 names the sources with the most connections.
func (t *tally) others3() string {
	all := map[string]uint64{}
	for a, n := range t.others {
		if a.IsValid() {
			all[a.String()] += n
		} else {
			all["processes of unknown address"] += n
		}
	}
	return three(all)
}

func once(n uint64) uint64 { return n }

// three names the three with the most.
func three(of map[string]uint64) string {
	var texts []string
	all := byCount(of, once)
	for _, s := range all[:min(3, len(all))] {
		texts = append(texts, fmt.Sprintf("%s (%s)", learn.Printable(s), ipranges.Thousands(of[s])))
	}
	if len(all) > 3 {
		texts = append(texts, fmt.Sprintf("and %d more", len(all)-3))
	}
	return strings.Join(texts, ", ")
}

// errUnread says why there was nothing in a log that could be read.
func (t *tally) errUnread(what string) error {
	switch {
	case t.records == 0 && t.missing:
		return errMissing(what)
	case t.records == 0 && t.live(what):
		return learn.WithHint(fmt.Errorf("nothing came from %s while it was watched: it is not known whether nothing happened", what), "%s", t.speaks().How)
	case t.records == 0 && t.torn:
		return learn.WithHint(fmt.Errorf("%s has no complete line yet: nothing can be told from it", what), "a line is complete when its line end was written; run the same command again then")
	case t.records == 0:
		return learn.WithHint(fmt.Errorf("%s is empty: nothing can be told from it", what), "%s", t.speaks().How)
	case t.foreign == t.records:
		return learn.WithHint(fmt.Errorf("%s is a log of another program: none of its %s is one of %s", what, count(t.records, "line", "lines"), t.name()), "%s", cmp.Or(t.guess(what), t.speaks().Where))
	case t.guess(what) != "":
		return learn.WithHint(fmt.Errorf("%s: none of its %s could be read as %s", what, count(t.records, "record", "records"), t.name()), "%s", t.guess(what))
	}
	return learn.WithHint(fmt.Errorf("%s: none of its %s could be read as %s", what, count(t.records, "record", "records"), t.name()),
		`"tripline flows --from %s --all %s" shows what was understood; "tripline sources" lists the formats`, t.name(), what)
}

// guess says which other source understands a file, "" if none does.
func (t *tally) guess(what string) string {
	if name, ok := source.Guess(what); ok && name != t.name() {
		return "it looks like what " + name + " reads: --from " + name
	}
	return ""
}

// called is what a place is called: the kernel tells of this machine by several
// sources.
func (t *tally) called(what string) string {
	if what == source.Kernel {
		return t.name()
	}
	return what
}

// live says whether what is read happens while it is read: it is no file.
func (t *tally) live(what string) bool {
	return what == t.src.Name || !slices.ContainsFunc(t.src.Paths(what), func(p string) bool { return !source.IsAddress(p) })
}

// name is what the command line calls the source.
func (t *tally) name() string { return cmp.Or(t.src.Name, "a log") }
