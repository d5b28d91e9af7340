package enforce_test

import (
	"net/netip"
	"testing"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

func TestRegistryBypass(t *testing.T) {
	r := enforce.NewRegistries([]learn.Registry{
		{Ecosystem: "python", Mirrors: []string{"pypi.example.net", "192.0.2.80"}, Public: []string{"pypi.org", "files.pythonhosted.org", "upload.pypi.org"}},
		{Ecosystem: "models", Mirrors: []string{"models.example.net"}, Public: []string{"*.example.org", "mirror.example.org"}, Agents: []string{"bot"}},
	})
	for _, c := range []struct {
		agent, name, dst string
		up, down         uint64
		action           learn.Action
		want             enforce.Severity
	}{
		{"bot", "pypi.org", "198.51.100.1", 2000, 90_000, learn.Pass, enforce.Medium},
		{"bot", "PyPI.org.", "198.51.100.1", 2000, 90_000, learn.Pass, enforce.Medium},
		{"bot", "files.pythonhosted.org", "198.51.100.1", 5_000_000, 9000, learn.Pass, enforce.High},
		{"bot", "files.pythonhosted.org", "198.51.100.1", 5_000_000, 900_000_000, learn.Pass, enforce.Medium},
		{"bot", "upload.pypi.org", "198.51.100.1", 100, 100, learn.Pass, enforce.High},
		{"bot", "a.b.example.org", "198.51.100.1", 1, 1, learn.Pass, enforce.Medium},
		{"web", "a.b.example.org", "198.51.100.1", 1, 1, learn.Pass, ""},
		{"bot", "pypi.org", "192.0.2.80", 1, 1, learn.Pass, ""}, // the mirror has the name
		{"bot", "pypi.org", "198.51.100.1", 0, 0, learn.Refused, ""},
		{"bot", "notpypi.org", "198.51.100.1", 1, 1, learn.Pass, ""},
		{"bot", "", "198.51.100.1", 1, 1, learn.Pass, ""},
	} {
		f := &learn.Flow{Time: time.Unix(1, 0), Agent: c.agent, Proto: learn.TCP, DstPort: 443, Name: c.name, Dst: netip.MustParseAddr(c.dst), Up: c.up, Down: c.down, Action: c.action}
		got := enforce.Severity("")
		if al := r.Check(f); al != nil {
			got = al.Severity
		}
		if got != c.want {
			t.Errorf("%s to %s: got %q, want %q", c.agent, c.name, got, c.want)
		}
	}
}
