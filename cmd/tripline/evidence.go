package main

import (
	"fmt"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
)

// checkConnections refuses a source that has none, for a command that is about
// connections: silence would look like peace.
func checkConnections(src source.Source) error {
	if !src.Sees.Evidence {
		return nil
	}
	return learn.WithHint(fmt.Errorf("--from %s tells what names were resolved to and has no connections: nothing can be learned or judged from it alone", src.Name),
		`"--from filterlog --from %s=FILE" reads it together with a log of connections; "tripline flows --from %s --all FILE" shows what it tells`, src.Name, src.Name)
}

// evidence says what a log held that has no connections.
func (t *tally) evidence(a *app) {
	if !t.src.Sees.Evidence || t.readable() == 0 {
		return
	}
	nobody := ""
	if n := t.not[source.Unasked]; n > 0 {
		nobody = fmt.Sprintf(", and %s to nobody that it names", ipranges.Thousands(n))
	}
	a.say("%s has no connections, only names for those of other sources: %s%s", t.src.Name,
		count(t.not[source.Resolution], "answer", "answers"), nobody)
}
