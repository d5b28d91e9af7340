package vault_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tripline/enforce/vault"
	"tripline/learn"
)

// TestBao asks a real OpenBao for something, with a token and with a bogus one.
func TestBao(t *testing.T) {
	bao := os.Getenv("TRIPLINE_BAO")
	if bao == "" {
		t.Skip("TRIPLINE_BAO=/path/to/bao is not set")
	}
	dir := t.TempDir()
	audit := filepath.Join(dir, "audit.log")
	config := filepath.Join(dir, "bao.hcl")
	text := fmt.Sprintf("audit \"file\" \"declared\" {\n  options {\n    file_path = %q\n  }\n}\n", audit)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := freePort(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bao, "server", "-dev", "-dev-root-token-id=root", "-dev-no-store-token", "-dev-listen-address="+listen, "-config="+config)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cancel()
	begin := time.Now()
	good, bogus := ask(ctx, t, listen, "root"), ask(ctx, t, listen, "bogus")
	w := vault.New(map[string]learn.VaultIdentity{"bot": {DisplayName: "root"}}, 0)
	log, err := os.ReadFile(audit)
	if err != nil {
		t.Fatal(err)
	}
	if bad, _ := hear(t, w, log); bad > 0 {
		t.Errorf("%d lines could not be read", bad)
	}
	for port, want := range map[uint16]vault.Verdict{good: vault.Authorised, bogus: vault.UnauthenticatedOnly} {
		w.Connect(&learn.Flow{Time: begin, Agent: "bot", Proto: learn.TCP, Src: netip.MustParseAddr("127.0.0.1"), SrcPort: port}, begin)
		if got := w.Settle(begin, true); len(got) != 1 || got[0].Verdict != want {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ask looks a token up until the vault is there, and returns from which port.
func ask(ctx context.Context, t *testing.T, listen, token string) (port uint16) {
	t.Helper()
	for ctx.Err() == nil {
		transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if err == nil {
				port = netip.MustParseAddrPort(c.LocalAddr().String()).Port()
			}
			return c, err
		}}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listen+"/v1/auth/token/lookup-self", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Vault-Token", token)
		res, err := transport.RoundTrip(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusForbidden {
				return port
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the vault never answered")
	return 0
}
