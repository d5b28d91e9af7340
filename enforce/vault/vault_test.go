package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tripline/enforce/vault"
	"tripline/learn"
)

var begin = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// fixture reads an audit log composed from the fields of one of the two programs.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "vault", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func hear(t testing.TB, w *vault.Witness, text []byte) (bad, internal int) {
	t.Helper()
	for line := range bytes.Lines(text) {
		switch e, err := vault.Parse(line); {
		case errors.Is(err, vault.ErrInternal):
			internal++
		case err != nil:
			bad++
		default:
			w.Hear(e)
		}
	}
	return bad, internal
}

func connection(agent string, port uint16, at time.Time, up uint64) *learn.Flow {
	src := netip.MustParseAddr("192.0.2.50")
	if agent == "web" {
		src = netip.MustParseAddr("192.0.2.60")
	}
	return &learn.Flow{Time: at, Agent: agent, Proto: learn.TCP, Src: src, SrcPort: port, Dst: netip.MustParseAddr("192.0.2.10"), DstPort: 8200, Up: up}
}

// TestTruthTable: what each kind of request means, in the log of either program.
func TestTruthTable(t *testing.T) {
	for _, program := range []string{"vault.log", "openbao.log"} {
		w := vault.New(map[string]learn.VaultIdentity{"bot": {DisplayName: "approle-bot"}, "web": {EntityID: "e-web"}}, time.Second)
		if bad, internal := hear(t, w, fixture(t, program)); bad != 2 || internal != 1 {
			t.Errorf("%s: %d lines could not be read and %d are its own, want 2 and 1", program, bad, internal)
		}
		if w.Entries <= w.Requests {
			t.Errorf("%s: %d lines of %d requests: the lines of one request count once", program, w.Entries, w.Requests)
		}
		want := map[uint16]vault.Verdict{
			40001: vault.Authorised, 40002: vault.Denied, 40003: vault.UnauthenticatedOnly, 40004: vault.UnauthenticatedOnly,
			40005: vault.UnauthenticatedOnly, 40006: vault.NoAudit, 40007: vault.ForeignToken, 40008: vault.Authorised, 40009: vault.Authorised,
		}
		for port := uint16(40001); port <= 40009; port++ {
			w.Connect(connection("bot", port, begin.Add(time.Duration(port-40000)*time.Minute), 900), begin)
		}
		w.Connect(connection("web", 40101, begin.Add(20*time.Minute), 900), begin)
		want[40101] = vault.Authorised
		w.Connect(connection("bot", 40010, begin.Add(-time.Hour), 9000), begin)
		if early := w.Settle(begin.Add(999*time.Millisecond), false); len(early) != 0 {
			t.Errorf("%s: settled too early: %v", program, early)
		}
		for _, j := range w.Settle(begin.Add(time.Second), false) {
			if j.Verdict != want[j.Flow.SrcPort] {
				t.Errorf("%s: port %d: got %s, want %s: %+v", program, j.Flow.SrcPort, j.Verdict, want[j.Flow.SrcPort], j)
			}
			if j.Verdict == vault.ForeignToken && (j.Owner != "web" || j.Token.EntityID != "e-web") {
				t.Errorf("%s: whose token: %+v", program, j)
			}
			delete(want, j.Flow.SrcPort)
		}
		if len(want) != 0 || w.Before != 1 {
			t.Errorf("%s: never settled: %v; %d from before, want 1", program, want, w.Before)
		}
	}
}

// TestPortsComeAgain: a request belongs to the newest connection from its port.
func TestPortsComeAgain(t *testing.T) {
	w := vault.New(map[string]learn.VaultIdentity{"bot": {Role: "bot"}}, 0)
	ask := func(at time.Time, id, role string) {
		hear(t, w, fmt.Appendf(nil, `{"time":%q,"type":"request","auth":{"accessor":"hmac-sha256:aa","metadata":{"role":%q},"policy_results":{"allowed":true}},"request":{"id":%q,"path":"secret/data/a","remote_address":"192.0.2.50","remote_port":40001}}`+"\n", at.Format(time.RFC3339Nano), role, id))
	}
	ask(begin.Add(time.Minute), "1", "bot")
	ask(begin.Add(10*time.Minute), "2", "other")
	w.Connect(connection("bot", 40001, begin.Add(time.Minute), 1), begin)
	w.Connect(connection("bot", 40001, begin.Add(10*time.Minute), 1), begin)
	got := w.Settle(begin, true)
	if len(got) != 2 || got[0].Verdict != vault.Authorised || got[1].Verdict != vault.ForeignToken {
		t.Errorf("got %+v", got)
	}
}

// TestWithoutIdentity: of an agent that the configuration does not name, only the
// token of another one is foreign.
func TestWithoutIdentity(t *testing.T) {
	w := vault.New(map[string]learn.VaultIdentity{"web": {EntityID: "e-web"}}, 0)
	hear(t, w, fixture(t, "openbao.log"))
	w.Connect(connection("bot", 40001, begin.Add(time.Minute), 1), begin)
	w.Connect(connection("bot", 40007, begin.Add(7*time.Minute), 1), begin)
	got := w.Settle(begin, true)
	if len(got) != 2 || got[0].Verdict != vault.Authorised || got[1].Verdict != vault.ForeignToken {
		t.Errorf("got %+v", got)
	}
}

// TestWitnessIsBounded: a flood of requests and connections.
func TestWitnessIsBounded(t *testing.T) {
	w := vault.New(nil, time.Second)
	for i := range 250_000 {
		w.Hear(vault.Entry{Time: begin.Add(time.Duration(i) * time.Millisecond), ID: fmt.Sprint(i), Remote: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.50"), uint16(i%60000+1))})
		if i < 110_000 {
			w.Connect(connection("bot", uint16(i), begin, 1), begin)
		}
	}
	if w.Dropped < 100_000 || w.Waiting() > 100_000 {
		t.Errorf("%d dropped, %d waiting", w.Dropped, w.Waiting())
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"vault.log", "openbao.log"} {
		for line := range bytes.Lines(fixture(f, name)) {
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := vault.Parse(line)
		if err != nil {
			if e != (vault.Entry{}) {
				t.Fatalf("an entry with an error: %+v, %v", e, err)
			}
			return
		}
		if !e.Remote.IsValid() || e.Remote.Addr().Is4In6() || e.ID == "" {
			t.Fatalf("%+v", e)
		}
		w := vault.New(map[string]learn.VaultIdentity{"bot": {DisplayName: "x"}}, 0)
		w.Hear(e)
		w.Connect(&learn.Flow{Time: e.Time, Agent: "bot", Src: e.Remote.Addr(), SrcPort: e.Remote.Port()}, e.Time)
		if got := w.Settle(e.Time, true); len(got) != 1 || got[0].Verdict == vault.NoAudit {
			t.Fatalf("a request of its own connection: %+v", got)
		}
	})
}
