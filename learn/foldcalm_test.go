package learn_test

import (
	"fmt"
	"slices"
	"testing"

	"tripline/learn"
)

// One agent talks to a pool that rotates all week and, on other ports, to
// servers that are the same ones from the first day on. The pool says where its
// own next addresses will be, and nothing of the servers.
func TestServersThatStayAreNotWidenedByAPoolThatRotates(t *testing.T) {
	var ds []learn.Destination
	for i := range 60 {
		ds = append(ds, seen(web, fmt.Sprintf("198.51.100.%d", i*4), "", i*2))
	}
	servers := map[string]learn.Service{
		"203.0.113.22":  {Proto: learn.TCP, Port: 22},
		"203.0.113.53":  {Proto: learn.UDP, Port: 53},
		"192.0.2.53":    {Proto: learn.UDP, Port: 53},
		"203.0.113.12":  {Proto: learn.UDP, Port: 123},
		"203.20.113.12": {Proto: learn.UDP, Port: 123},
		"203.40.113.12": {Proto: learn.UDP, Port: 123},
		"192.0.2.12":    {Proto: learn.UDP, Port: 123},
		"192.0.2.130":   vault,
		"2001:db8::200": vault,
	}
	for addr, s := range servers {
		ds = append(ds, seen(s, addr, "", 0))
	}
	got := words(learn.Fold(ds, learn.FoldOptions{}))
	for addr, s := range servers {
		if line := fmt.Sprint(addr, " ", []learn.Service{s}); !slices.Contains(got, line) {
			t.Errorf("want %q among %q", line, got)
		}
	}
}
