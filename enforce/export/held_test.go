package export_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"tripline/enforce/export"
	"tripline/ipranges"
)

// What pfSense's parser and pfctl take and drop.
func TestReadHeld(t *testing.T) {
	for _, c := range []struct {
		text   string
		want   string
		unread int
	}{
		{"192.0.2.1\n198.51.100.0/24\n2001:db8::/32\n", "[192.0.2.1/32 198.51.100.0/24 2001:db8::/32]", 0},
		{"   192.0.2.1\n   198.51.100.0/24\n", "[192.0.2.1/32 198.51.100.0/24]", 0}, // pfctl -T show
		{"\xef\xbb\xbf192.0.2.1\r\n# x\n; y\n\n192.0.2.2 # z\n192.0.2.3#z\n192.0.2.4 ; z\n", "[192.0.2.1/32 192.0.2.2/31 192.0.2.4/32]", 0},
		{"203.0.113.9/24\n", "[203.0.113.0/24]", 0},
		{"!192.0.2.1\n192.0.2.1-192.0.2.9\n10/8\n1.2.3.4/33\n", "[]", 4},
		{"<html>\n<body>502 Bad Gateway</body>\n", "[]", 2},
		{"::ffff:192.0.2.1\nfe80::1%em0\n", "[192.0.2.1/32 fe80::1/128]", 0},
		{"192.0.2.1", "[192.0.2.1/32]", 0},
		{"", "[]", 0},
	} {
		h := export.ReadHeld([]byte(c.text))
		if got := fmt.Sprint(h.Set.Prefixes()); got != c.want || h.Unread != c.unread {
			t.Errorf("%q: got %s, %d unread, want %s, %d", c.text, got, h.Unread, c.want, c.unread)
		}
	}
}

// What an export says of itself is read back.
func TestHeldKnowsWhoseItIs(t *testing.T) {
	h := export.ReadHeld([]byte("# tripline: what agent web may reach on x may reach on tcp/443\n# alias tripline_web_tcp443, baseline 3f9a\n192.0.2.1\n"))
	if h.Agent != "web may reach on x" || h.Service != "tcp/443" || h.Name != "tripline_web_tcp443" || h.Baseline != "3f9a" || h.Over {
		t.Errorf("got %+v", h)
	}
}

func tableOf(baseline string, entries ...string) []byte {
	return []byte("# tripline: what agent bot may reach on tcp/443\n# alias tripline_bot_tcp443, baseline " + baseline + "\n" + strings.Join(entries, "\n") + "\n")
}

func TestChangeInWords(t *testing.T) {
	for _, c := range []struct{ old, now, want string }{
		{"192.0.2.1", "192.0.2.1", "the same addresses"},
		{"192.0.2.1", "192.0.2.1\n198.51.100.0/22", "+1 prefix, +1,024 addresses"},
		{"192.0.2.1\n203.0.113.0/24", "198.51.100.0/22\n192.0.2.1\n192.0.2.9", "+2 -1 prefixes, +1,025 addresses -256 addresses"},
		{"192.0.2.0/25\n192.0.2.128/25", "192.0.2.0/24", "the same addresses"},
		{"192.0.2.1\n192.0.2.1", "192.0.2.1\n192.0.2.1\n192.0.2.1", "the same addresses"},
		{"192.0.2.1", "192.0.2.1\n2001:db8::/48", "+1 prefix, +65,536 IPv6 /64"},
		{"192.0.2.1\n192.0.2.9", "192.0.2.1", "-1 prefix, -1 address"},
	} {
		if got := export.Compare(tableOf("a", c.old), tableOf("a", c.now)).String(); got != c.want {
			t.Errorf("%q to %q: got %q, want %q", c.old, c.now, got, c.want)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	wide := "198.51.100.0/24\n203.0.113.0/24"
	for name, c := range map[string]struct {
		old, now []byte
		refused  bool
	}{
		"empty":                            {tableOf("a", wide), tableOf("a"), true},
		"an error page":                    {tableOf("a", wide), []byte("<html>502</html>\n"), true},
		"nothing at all":                   {tableOf("a", wide), nil, true},
		"empty, and approved":              {tableOf("a", wide), tableOf("b"), true},
		"its last rule gone":               {tableOf("a", wide), []byte("# tripline: what agent bot may reach on tcp/443\n# alias tripline_bot_tcp443, baseline b\n# opens nothing: that baseline removed its last rule\n"), false},
		"more than half gone":              {tableOf("a", wide), tableOf("a", "203.0.113.0/25"), true},
		"more than half gone, approved":    {tableOf("a", wide), tableOf("b", "203.0.113.0/25"), false},
		"half gone":                        {tableOf("a", wide), tableOf("a", "203.0.113.0/24"), false},
		"others in place of half and more": {tableOf("a", wide), tableOf("a", "192.0.2.0/24"), true},
		"a few addresses":                  {tableOf("a", "192.0.2.1\n192.0.2.3\n192.0.2.5"), tableOf("a", "192.0.2.1"), false},
		"IPv4 gone beside a sea of IPv6":   {tableOf("a", wide+"\n2001:db8::/32"), tableOf("a", "2001:db8::/32"), true},
		"a file without a baseline, torn":  {tableOf("a", wide), []byte("198.51.100.0/26\n"), true},
		"there was none":                   {nil, tableOf("a", "192.0.2.1"), false},
		"more":                             {tableOf("a", "192.0.2.1"), tableOf("a", wide, "192.0.2.1"), false},
	} {
		if err := export.Compare(c.old, c.now).Refused(0.5); (err != nil) != c.refused {
			t.Errorf("%s: got %v, want refused %v", name, err, c.refused)
		}
	}
}

// TestChangeAdds compares with sets that are told apart address by address.
func TestChangeAdds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	some := func() (lines []string, set ipranges.Set) {
		var all []netip.Prefix
		for range rng.IntN(8) {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(rng.IntN(256))}), 24+rng.IntN(9)).Masked()
			all = append(all, p)
			lines = append(lines, p.String())
		}
		return lines, ipranges.NewSet(all...)
	}
	for range 2000 {
		a, was := some()
		b, is := some()
		var opened, closed uint64
		for i := range 256 {
			at := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			if is.Contains(at) && !was.Contains(at) {
				opened++
			}
			if was.Contains(at) && !is.Contains(at) {
				closed++
			}
		}
		c := export.Compare(tableOf("x", a...), tableOf("x", b...))
		if c.Opened.V4 != opened || c.Closed.V4 != closed {
			t.Fatalf("%v to %v: got +%d -%d, want +%d -%d", a, b, c.Opened.V4, c.Closed.V4, opened, closed)
		}
	}
}

// FuzzReadHeld: whatever a server or a command answers, entries are masked
// addresses, the set is theirs, and written back it reads the same.
func FuzzReadHeld(f *testing.F) {
	for _, s := range []string{"192.0.2.1\n", "# a\n198.51.100.0/24 x\r\n", "!1.2.3.4\n", "<html>", "   2001:db8::1\n", "# alias a, baseline b\n# tripline: what agent x may reach on tcp/1\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h := export.ReadHeld(text)
		var again strings.Builder
		for _, p := range h.Entries {
			if p != p.Masked() || !h.Set.Contains(p.Addr()) {
				t.Fatalf("entry %v", p)
			}
			again.WriteString(p.String() + "\n")
		}
		b := export.ReadHeld([]byte(again.String()))
		if b.Unread != 0 || !b.Set.Equal(h.Set) {
			t.Fatalf("%q reads back as %v, want %v", again.String(), b.Set.Prefixes(), h.Set.Prefixes())
		}
		if !export.Compare(text, []byte(again.String())).Same() {
			t.Fatal("a table differs from itself")
		}
	})
}
