package learn_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"tripline/learn"
)

func TestProcessSelectorsReadBack(t *testing.T) {
	for _, text := range []string{"exe:/usr/bin/python3", "exe:/opt/bot/*", "exe:/usr/bin/python3*", "cgroup:/system.slice/bot.service"} {
		s, err := learn.ParseSelector(text)
		if err != nil || s.String() != text {
			t.Errorf("%s: got %s, %v", text, s, err)
		}
	}
	for _, text := range []string{"exe:", "exe:python3", "exe:/", "exe:/*", "exe:/a/../b", "exe:/*/x", "cgroup:x", "cgroup:/", "cgroup:/a*"} {
		if s, err := learn.ParseSelector(text); err == nil || learn.HintOf(err) == "" {
			t.Errorf("%s: got %s, %v, want an error with a hint", text, s, err)
		}
	}
}

func TestAgentOfProcess(t *testing.T) {
	a, err := agents(t, "bot=exe:/opt/bot/run", "py=exe:/usr/bin/python3*", "web=cgroup:/system.slice/web.service",
		"box=container:aaaaaaaaaaaa", "lab=label:team=red", "lan=198.51.100.0/24")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Linked("/opt/bot/run", "/opt/bot-2/run"); err != nil {
		t.Fatal(err)
	}
	var where learn.Whereabouts
	where.Note(learn.Stay{Container: learn.Container{ID: "bbbbbbbbbbbbbbbb", Name: "red", Labels: map[string]string{"team": "red"}}})
	a.Locate(&where)
	for _, tt := range []struct {
		of   learn.Process
		want string
	}{
		{learn.Process{Exe: "/opt/bot/run"}, "bot"},
		{learn.Process{Exe: "/opt/bot-2/run"}, "bot"},
		{learn.Process{Exe: "/usr/bin/curl", Parents: []string{"/bin/sh", "/opt/bot/run"}}, "bot"},
		{learn.Process{Exe: "/usr/bin/curl", Parents: []string{"/usr/bin/python3.11", "/opt/bot/run"}}, "py"}, // the nearest
		{learn.Process{Exe: "/usr/bin/curl", Parents: []string{"/bin/sh"}}, ""},
		{learn.Process{}, ""},
		{learn.Process{Exe: "/usr/sbin/nginx", Cgroup: "/system.slice/web.service"}, "web"},
		{learn.Process{Exe: "/usr/sbin/nginx", Cgroup: "/system.slice/web.service/a/b"}, "web"},
		{learn.Process{Exe: "/usr/sbin/nginx", Cgroup: "/system.slice/web.service2"}, ""},
		{learn.Process{Container: "aaaaaaaaaaaaaaaa"}, "box"},
		{learn.Process{Container: "bbbbbbbbbbbbbbbb"}, "lab"},
		{learn.Process{Container: "cccccccccccccccc"}, ""},
	} {
		f := learn.Flow{Src: netip.MustParseAddr("192.0.2.9"), Process: &tt.of}
		if got, err := a.Of(&f); err != nil || got != tt.want {
			t.Errorf("%v: got %q, %v, want %q", tt.of, got, err, tt.want)
		}
	}
	both := learn.Flow{Src: netip.MustParseAddr("198.51.100.9"), Process: &learn.Process{Exe: "/opt/bot/run"}}
	if _, err := a.Of(&both); !errors.Is(err, learn.ErrOverlap) || !strings.Contains(err.Error(), "/opt/bot/run") {
		t.Errorf("a flow of two agents: got %v", err)
	}
}

func TestProcessesOfTwoAgentsOverlap(t *testing.T) {
	for _, pair := range [][2]string{
		{"bot=exe:/bin/a", "web=exe:/bin/a"},
		{"bot=cgroup:/a", "web=cgroup:/a"},
		{"bot=cgroup:/a", "web=cgroup:/a/b"},
	} {
		if _, err := agents(t, pair[0], pair[1]); !errors.Is(err, learn.ErrOverlap) {
			t.Errorf("%v: got %v", pair, err)
		}
	}
	a, err := agents(t, "bot=exe:/bin/a", "web=exe:/bin/b")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Linked("/bin/a", "/bin/b"); !errors.Is(err, learn.ErrOverlap) {
		t.Errorf("a link to what is another agent's: got %v", err)
	}
}
