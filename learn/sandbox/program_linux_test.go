package sandbox

import (
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tripline/learn"
)

// programs are what agents use. Each says what the server answered, over TLS, by
// its name: $URL. Their environment, but for HOME, has nothing else of the test's.
var programs = []struct {
	tool, script string
	exe          string // of the process that speaks
	once         bool   // slow: as one user alone
}{
	{"curl", `curl -s --cacert "$CA" "$URL"`, "/curl", false},
	{"python3", `python3 -c 'import os, ssl, urllib.request as r
print(r.urlopen(os.environ["URL"], context=ssl.create_default_context(cafile=os.environ["CA"])).read())'`, "python", false},
	{"git", `GIT_SSL_CAINFO="$CA" git ls-remote "$URL/r.git"`, "/git-remote-http", false},
	{"go", `GOPATH="$HOME/go" GOCACHE="$HOME/cache" GOENV=off GOFLAGS=-mod=mod GOTOOLCHAIN=local GOSUMDB=off GONOSUMDB=* \
		SSL_CERT_FILE="$CA" GOPROXY="$URL" go list -m -versions example.com/m`, "/go", false},
	{"apt-get", `mkdir -p lists/partial; echo "deb [trusted=yes] $URL ./" > list
apt-get -o Dir::Etc::sourcelist="$PWD/list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$PWD/lists" -o Dir::Cache="$PWD" \
	-o Acquire::https::CAInfo="$CA" -o Acquire::Languages=none -o Acquire::GzipIndexes=false update; cat lists/*Packages`, "/http", false},
	{"node", `NODE_EXTRA_CA_CERTS="$CA" node -e 'fetch(process.env.URL).then(r => r.text()).then(console.log)'`, "/node", false},
	{"npm", `npm --registry "$URL" --cafile "$CA" view m version --no-update-notifier`, "/node", true},
	{"java", "cat > Ask.java <<'END'" + asks + "\nEND\njava Ask.java", "/java", true},
	{"chromium", `chromium --headless=new --disable-gpu --no-first-run --user-data-dir="$HOME/profile" \
	--ignore-certificate-errors --dump-dom "$URL"`, "/chromium", true},
}

// asks is a program of Java.
const asks = `
import java.io.*; import java.net.*; import java.security.*; import java.security.cert.*; import javax.net.ssl.*;
public class Ask { public static void main(String[] a) throws Exception {
	KeyStore k = KeyStore.getInstance("PKCS12"); k.load(null, null);
	k.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(System.getenv("CA"))));
	TrustManagerFactory t = TrustManagerFactory.getInstance("PKIX"); t.init(k);
	SSLContext c = SSLContext.getInstance("TLS"); c.init(null, t.getTrustManagers(), null);
	HttpsURLConnection u = (HttpsURLConnection) new URL(System.getenv("URL")).openConnection(); u.setSSLSocketFactory(c.getSocketFactory());
	System.out.write(u.getInputStream().readAllBytes()); System.out.flush();
}}`

// registry is a server of HTTPS, HTTP/2 with it, for all of them, on an address that
// is none of the loopback's if there is one. It counts connections.
func registry(t *testing.T) (at netip.AddrPort, url, ca string, count *atomic.Int64) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/info/refs"): // git, the plain way
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, "0123456789012345678901234567890123456789\trefs/heads/answered\n")
		case path == "/example.com/m/@v/list":
			fmt.Fprint(w, "v1.0.0-answered\n")
		case strings.HasSuffix(path, ".info"):
			fmt.Fprint(w, `{"Version":"v1.0.0-answered"}`)
		case strings.HasSuffix(path, ".mod"):
			fmt.Fprint(w, "module example.com/m\n")
		case path == "/m":
			fmt.Fprint(w, `{"name":"m","dist-tags":{"latest":"1.0.0-answered"},"versions":{"1.0.0-answered":{"name":"m","version":"1.0.0-answered"}}}`)
		case strings.HasSuffix(path, "/Packages"):
			fmt.Fprint(w, "Package: answered\nVersion: 1\nArchitecture: all\n")
		case path == "/":
			fmt.Fprint(w, "answered ", r.Host)
		default:
			http.NotFound(w, r)
		}
	}))
	s.Listener.Close()
	l, err := net.Listen("tcp", netip.AddrPortFrom(own(), 0).String())
	if err != nil {
		t.Fatal(err)
	}
	count = new(atomic.Int64)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			count.Add(1)
		}
	}
	s.Listener, s.EnableHTTP2 = l, true
	s.StartTLS()
	t.Cleanup(s.Close)
	ca = filepath.Join(filepath.Dir(testProgram(t)), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	at = netip.MustParseAddrPort(l.Addr().String())
	return at, fmt.Sprintf("https://example.com:%d", at.Port()), ca, count
}

// own is an address of this host, that of the loopback if there is no other.
func own() netip.Addr {
	list, err := net.InterfaceAddrs()
	for _, a := range list {
		if p, e := netip.ParsePrefix(a.String()); err == nil && e == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() {
			return p.Addr()
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

func TestProgramsOfEveryday(t *testing.T) {
	for _, p := range programs {
		t.Run(p.tool, func(t *testing.T) {
			tool(t, p.tool)
			at, url, ca, count := registry(t)
			resolver, _ := zone(t, map[string][]string{"example.com": {at.Addr().String()}})
			t.Setenv("URL", url)
			t.Setenv("CA", ca)
			tr := trial{To: at.String(), Resolver: resolver.String()}
			ask := func(t *testing.T, u user, tr trial) {
				t.Helper()
				before := count.Load()
				printed, out := u.run(t, tr, "env", "-i", "PATH="+os.Getenv("PATH"), "URL="+url, "CA="+ca, "sh", "-c",
					`export HOME="$PWD"; `+p.script)
				if out.Status != 0 || !strings.Contains(printed, "answered") {
					t.Fatalf("status %d, %s", out.Status, printed)
				}
				told := 0
				for _, f := range out.Flows {
					if f.Proto != learn.TCP || f.DstPort != at.Port() && tr.Bare {
						continue
					}
					told++
					if f.Name != "example.com" || !f.Resolved || f.Process == nil || !strings.Contains(f.Process.Exe, p.exe) || !tr.Bare && (f.Evidence != learn.SNI || f.Down == 0) {
						t.Errorf("got %+v of %+v", f, f.Process)
					}
				}
				if served := int(count.Load() - before); told != served || served == 0 {
					t.Errorf("the server had %d connections, %d were told", served, told)
				}
			}
			eachUser(t, func(t *testing.T, u user) {
				if p.once && u.id == 0 && len(users()) > 1 {
					t.Skip("it takes long, and somebody ordinary does it")
				}
				ask(t, u, tr)
			})
			t.Run("bare", func(t *testing.T) {
				if at.Addr().IsLoopback() || p.tool == "chromium" {
					t.Skip("this host has no other address, or the program's own sandbox needs namespaces")
				}
				bare := tr
				bare.Bare = true
				ask(t, users()[0], bare)
			})
		})
	}
}
