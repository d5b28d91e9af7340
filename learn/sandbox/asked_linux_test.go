package sandbox

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tripline/learn"
)

// What is asked for and not connected to is told, where it is wanted: a tunnel says all
// it has to say in names.
func TestQuestionsThatNothingFollowsAreTold(t *testing.T) {
	resolver, _ := zone(t, map[string][]string{"used.example": {"203.0.113.5"}, "known.example": {"203.0.113.6"}})
	l := newLab(t, Options{
		Decide: admitAll, Resolvers: []netip.AddrPort{resolver}, Dial: dialTo(echoServer(t)),
		Resolve: func(name string) bool { return name != "data.silent.example" },
		Asked:   func(name string) bool { return name != "known.example" },
	})
	if c, err := l.dial(netip.AddrPortFrom(l.at("used.example"), 443).String()); err == nil {
		c.Close()
	}
	l.told(1)
	for _, name := range []string{"known.example", "data.tunnel.example", "data.silent.example", "printer", "5.113.0.203.in-addr.arpa"} {
		l.lookup(name, dnsmessage.TypeTXT)
	}
	l.box.tellAsked(time.Now().Add(-followed))
	if n := len(l.told(1)); n != 1 {
		t.Errorf("%d flows were told before a connection could follow", n)
	}
	l.box.tellAsked(time.Now())
	for i, f := range l.told(3)[1:] {
		name, action := []string{"data.tunnel.example", "data.silent.example"}[i], []learn.Action{learn.Pass, learn.Refused}[i]
		if f.Name != name || f.Action != action || f.Rule != learn.OnlyAsked || f.DstPort != 53 || f.Proto != learn.UDP {
			t.Errorf("got %+v, want %s of %s", f, action, name)
		}
	}
	only, more := l.box.names.asked.names()
	if want := []string{"data.silent.example", "data.tunnel.example", "known.example"}; !slices.Equal(only, want) || more != 0 {
		t.Errorf("got %v and %d more, want %v", only, more, want)
	}
}

func TestQuestionsAreBounded(t *testing.T) {
	q := newQuestions()
	for i := range mostQuestions + 7 {
		q.note(&asking{name: fmt.Sprintf("%d.tunnel.example", i)})
	}
	q.due(time.Now())
	only, more := q.names()
	if len(only) != mostQuestions || more != 7 {
		t.Errorf("kept %d and counted %d more, want %d and 7", len(only), more, mostQuestions)
	}
}

// A name that is connected to after its question was told of is none that was only
// asked for, and is not told of again.
func TestNameThatIsConnectedToLateWasNotOnlyAskedFor(t *testing.T) {
	q := newQuestions()
	for _, name := range []string{"late.example", "never.example"} {
		q.note(&asking{name: name})
	}
	q.due(time.Now())
	q.connected("late.example")
	if q.fresh("late.example") {
		t.Error("it would be told of again")
	}
	if only, _ := q.names(); !slices.Equal(only, []string{"never.example"}) {
		t.Errorf("got %v, want never.example alone", only)
	}
}
