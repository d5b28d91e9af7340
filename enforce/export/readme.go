package export

import (
	"fmt"
	"strconv"
	"strings"

	"tripline/enforce"
	"tripline/learn"
)

// readme returns README.txt: what each file is, how it gets into pfSense, which
// firewall rules belong to it, and all notes.
func (s *aliasSet) readme() []byte {
	var b strings.Builder
	b.WriteString("tripline: aliases for pfSense\n")
	if len(s.tables) > 0 {
		fmt.Fprintf(&b, readmeFiles, s.readmeConfig())
		b.WriteString(s.readmeHow())
	}
	b.WriteString(readmeRules)
	for _, a := range s.agents {
		b.WriteString("\n" + s.rulesFor(a))
	}
	if notes := s.allNotes(); len(notes) > 0 {
		b.WriteString("\nWhat pfSense cannot express, and what to know\n\n")
		for _, n := range notes {
			b.WriteString("  - " + n.String() + "\n")
		}
	}
	return []byte(b.String())
}

const readmeFiles = `
Files

  NAME.txt          the addresses of alias NAME, one a line: what a URL table fetches
  NAME_ports.txt    the ports of alias NAME_p, one or a range a line
  NAME.import.txt   the addresses with descriptions, for Firewall > Aliases > Import
%s`

// readmeConfig returns the line about the section of config.xml.
func (s *aliasSet) readmeConfig() string {
	if s.Merge != nil {
		return "  aliases.xml       your aliases and these ones, to be restored\n" +
			"                    (the section alone, even if a whole configuration was merged)\n"
	}
	return "  " + newOnly + "\n" +
		"                    these aliases and NO OTHERS. RESTORING IT DELETES ALL YOUR OTHER ALIASES\n" +
		"                    and breaks the rules that use them. Only for a pfSense that has none;\n" +
		"                    else " + mergeAdvice + "\n"
}

// readmeHow returns the ways into pfSense that the files allow.
func (s *aliasSet) readmeHow() string {
	if s.URL != "" {
		return "\nHow the aliases get into pfSense\n" + s.byURL() + s.byRestore("2") + readmeTables
	}
	return "\nHow the aliases get into pfSense (one of these)\n" + s.byRestore("1") + byImport + byURLLater
}

func (s *aliasSet) byURL() string {
	return "\n  1. Publish the NAME.txt files under " + s.URL + "/\n" +
		"     pfSense fetches them once a day, or at once with Diagnostics > Tables > Update, or\n" +
		"         /etc/rc.update_urltables now forceupdate NAME\n"
}

const readmeTables = `
     An answer other than the file (an error page, nothing) empties the table: let the
     server answer 404 and not a page for people. Replace files by renaming. With https,
     tick System > Advanced > Firewall & NAT > Check certificate of aliases URLs: otherwise
     whoever is in between can open the table.
`

func (s *aliasSet) byRestore(step string) string {
	if s.Merge == nil {
		return "\n  " + step + ". Diagnostics > Backup & Restore, backup area Aliases: download your aliases, then\n" +
			"         " + s.mergeCommand() + "\n" +
			"     and restore the aliases.xml that this writes, restore area Aliases.\n"
	}
	return "\n  " + step + ". Diagnostics > Backup & Restore, restore area Aliases: restore aliases.xml. It replaces\n" +
		"     all aliases by those in the file, so restore it before you change any other alias.\n"
}

// mergeCommand returns the command that makes this export again, merged: with
// other options it would make other aliases.
func (s *aliasSet) mergeCommand() string {
	words := []string{"tripline export --to pfsense --merge FILE -o DIR"}
	if s.URL != "" {
		words = append(words, "--url", s.URL)
	}
	if s.Prefix != defaultPrefix {
		words = append(words, "--prefix", s.Prefix)
	}
	if s.Most > 0 {
		words = append(words, "--max-entries", strconv.Itoa(s.Most))
	}
	for _, name := range s.Agents {
		words = append(words, "--agent", plain(name))
	}
	return strings.Join(words, " ")
}

const byImport = `
  2. Firewall > Aliases > IP > Import: the name NAME, the text of NAME.import.txt. Only for an
     alias that does not exist yet. The port alias NAME_p is typed by hand (Ports > Add).
`

const byURLLater = `
  3. Publish the NAME.txt files on a server of yours, then Firewall > Aliases > URLs > Add,
     type "URL Table (IPs)", name NAME, update frequency 1. Only these stay fresh without a
     restore; "tripline export --url" writes them into the XML.
`

const readmeRules = `
Firewall rules

  On the interface the agent is behind, in this order and above every rule that lets it out.
  tripline does not write them: it knows neither your interfaces nor your other rules.
  Tick "Log packets that are handled by this rule" everywhere, or nothing can be watched.
  "from" is the address of the agent. The last rule cuts it off from the firewall
  itself as well (DNS, NTP) where no table holds the firewall's address.
  pfSense sees no names: what tripline forbids for its name alone passes here, and is
  reported by "tripline enforce".
`

// rulesFor returns the rules of one agent, one a line.
func (s *aliasSet) rulesFor(a *enforce.AgentPolicy) string {
	var b strings.Builder
	name := plain(a.Name)
	fmt.Fprintf(&b, "  agent %s (baseline %s)\n", name, plain(a.Baseline))
	for _, t := range s.tables {
		if t.agent == a {
			b.WriteString("    " + t.rule(name) + "\n")
		}
	}
	fmt.Fprintf(&b, "    Block  IPv4+IPv6  any   from %s to any, log\n", name)
	return b.String()
}

func (t *table) rule(agent string) string {
	line := fmt.Sprintf("Pass   %-9s  %-4s  from %s to %s", t.family(), pfsenseRules[t.proto], agent, t.name)
	if len(t.ports) > 0 {
		return line + " port " + t.portName() + ", log"
	}
	return line + ", log"
}

// family returns what of IPv4 and IPv6 the table's rule is about.
func (t *table) family() string {
	switch e := t.set.Exposure(); {
	case t.proto == learn.ICMP, t.proto != learn.ICMPv6 && e.V6 == 0:
		return "IPv4"
	case t.proto == learn.ICMPv6, e.V4 == 0:
		return "IPv6"
	}
	return "IPv4+IPv6"
}
