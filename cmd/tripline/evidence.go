package main

import (
	"fmt"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
)

// findConnections returns the source of that name, for a command that is about
// connections. One that has none is refused: silence would look like peace.
func findConnections(name string) (source.Source, error) {
	src, err := source.Find(name)
	if err == nil && src.Sees.Evidence {
		return source.Source{}, learn.WithHint(fmt.Errorf("--from %s tells what names were resolved to and has no connections: nothing can be learned or judged from it alone", name),
			`"tripline flows --from %s --all FILE" shows what it tells; "tripline sources" lists what has connections`, name)
	}
	return src, err
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
