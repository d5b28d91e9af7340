package lock_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/enforce/lock"
)

// Digests of made-up artefacts.
func sum256(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
func sum512(s string) string { h := sha512.Sum512([]byte(s)); return hex.EncodeToString(h[:]) }
func sri512(s string) string {
	h := sha512.Sum512([]byte(s))
	return "sha512-" + base64.StdEncoding.EncodeToString(h[:])
}

func dirHash(s string) string {
	h := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(h[:])
}

const blake = "/packages/3a/5c/0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab/"

// locks are lock files of each kind, with what is read from them.
func locks() map[string]string {
	return map[string]string{
		"requirements.txt":  "# pinned\n--index-url https://mirror.example.com/simple\nDemo_Pkg[tls]==1.2.0 ; python_version >= '3.9' \\\n    --hash=sha256:" + sum256("demo wheel") + " \\\n    --hash=sha256:" + sum256("demo sdist") + "\nloose>=1.0\n",
		"pylock.toml":       "lock-version = '1.0'\ncreated-by = 'demo'\n[[packages]]\nname = 'demo-pkg'\nversion = '1.2.0'\n[[packages.wheels]]\nname = 'demo_pkg-1.2.0-py3-none-any.whl'\nurl = 'https://mirror.example.com" + blake + "demo_pkg-1.2.0-py3-none-any.whl'\nsize = 9\nhashes = {sha256 = '" + sum256("demo wheel") + "'}\n[packages.sdist]\nname = 'demo_pkg-1.2.0.tar.gz'\nurl = 'https://mirror.example.com/packages/demo_pkg-1.2.0.tar.gz'\nhashes = {sha256 = '" + sum256("demo sdist") + "'}\n[[packages]]\nname = 'here'\nversion = '0.1'\n",
		"uv.lock":           "version = 1\n[[package]]\nname = \"demo-pkg\"\nversion = \"1.2.0\"\nsource = { registry = \"https://mirror.example.com/simple\" }\nsdist = { url = \"https://mirror.example.com/packages/demo_pkg-1.2.0.tar.gz\", hash = \"sha256:" + sum256("demo sdist") + "\", size = 9 }\nwheels = [\n    { url = \"https://mirror.example.com" + blake + "demo_pkg-1.2.0-py3-none-any.whl\", hash = \"sha256:" + sum256("demo wheel") + "\", size = 9 },\n]\n[[package]]\nname = \"here\"\nversion = \"0.1\"\nsource = { virtual = \".\" }\n",
		"poetry.lock":       "[[package]]\nname = \"Demo.Pkg\"\nversion = \"1.2.0\"\nfiles = [\n    {file = \"demo_pkg-1.2.0-py3-none-any.whl\", hash = \"sha256:" + sum256("demo wheel") + "\"},\n    {file = \"demo_pkg-1.2.0.tar.gz\", hash = \"sha256:" + sum256("demo sdist") + "\"},\n]\n[metadata]\ncontent-hash = \"x\"\n",
		"package-lock.json": `{"name":"x","lockfileVersion":3,"packages":{"":{"name":"x"},"node_modules/demo":{"version":"1.2.0","resolved":"https://mirror.example.com/demo/-/demo-1.2.0.tgz","integrity":"` + sri512("demo tgz") + `"},"node_modules/a/node_modules/@scope/demo":{"version":"2.0.0","resolved":"https://mirror.example.com/@scope/demo/-/demo-2.0.0.tgz","integrity":"` + sri512("scoped tgz") + `"},"node_modules/ws":{"resolved":"ws","link":true}}}`,
		"yarn.lock":         "# yarn lockfile v1\n\n\ndemo@^1.0.0, demo@~1.2.0:\n  version \"1.2.0\"\n  resolved \"https://mirror.example.com/demo/-/demo-1.2.0.tgz#aa\"\n  integrity " + sri512("demo tgz") + "\n  dependencies:\n    version \"^9\"\n\n\"@scope/demo@^2.0.0\":\n  version \"2.0.0\"\n  resolved \"https://mirror.example.com/@scope/demo/-/demo-2.0.0.tgz\"\n  integrity " + sri512("scoped tgz") + "\n",
		"pnpm-lock.yaml":    "lockfileVersion: '9.0'\npackages:\n  demo@1.2.0:\n    resolution: {integrity: " + sri512("demo tgz") + "}\n  '@scope/demo@2.0.0':\n    resolution: {integrity: " + sri512("scoped tgz") + "}\n  file+x@file:x:\n    resolution: {directory: x}\n",
		"Cargo.lock":        "version = 4\n[[package]]\nname = \"demo\"\nversion = \"1.2.0\"\nsource = \"registry+https://mirror.example.com/index\"\nchecksum = \"" + sum256("demo crate") + "\"\n[[package]]\nname = \"here\"\nversion = \"0.1.0\"\n",
		"go.sum":            "example.com/Mod v1.2.0 h1:" + dirHash("demo zip") + "\nexample.com/Mod v1.2.0/go.mod h1:" + dirHash("demo mod") + "\n",
	}
}

func TestRead(t *testing.T) {
	pins := func(list ...lock.Pin) []lock.Pin { return list }
	d := func(algorithm, hex string) []lock.Digest { return []lock.Digest{{algorithm, hex}} }
	wheel := "https://mirror.example.com" + blake + "demo_pkg-1.2.0-py3-none-any.whl"
	want := map[string][]lock.Pin{
		"requirements.txt": pins(lock.Pin{Ecosystem: lock.Python, Name: "demo-pkg", Version: "1.2.0", Digests: append(d("sha256", sum256("demo wheel")), d("sha256", sum256("demo sdist"))...)}),
		"pylock.toml": pins(lock.Pin{Ecosystem: lock.Python, Name: "demo-pkg", Version: "1.2.0", File: "demo_pkg-1.2.0-py3-none-any.whl", URL: wheel, Digests: d("sha256", sum256("demo wheel"))},
			lock.Pin{Ecosystem: lock.Python, Name: "demo-pkg", Version: "1.2.0", File: "demo_pkg-1.2.0.tar.gz", URL: "https://mirror.example.com/packages/demo_pkg-1.2.0.tar.gz", Digests: d("sha256", sum256("demo sdist"))}),
		"poetry.lock": pins(lock.Pin{Ecosystem: lock.Python, Name: "demo-pkg", Version: "1.2.0", File: "demo_pkg-1.2.0-py3-none-any.whl", Digests: d("sha256", sum256("demo wheel"))},
			lock.Pin{Ecosystem: lock.Python, Name: "demo-pkg", Version: "1.2.0", File: "demo_pkg-1.2.0.tar.gz", Digests: d("sha256", sum256("demo sdist"))}),
		"package-lock.json": pins(lock.Pin{Ecosystem: lock.NPM, Name: "demo", Version: "1.2.0", URL: "https://mirror.example.com/demo/-/demo-1.2.0.tgz", Digests: d("sha512", sum512("demo tgz"))},
			lock.Pin{Ecosystem: lock.NPM, Name: "@scope/demo", Version: "2.0.0", URL: "https://mirror.example.com/@scope/demo/-/demo-2.0.0.tgz", Digests: d("sha512", sum512("scoped tgz"))}),
		"pnpm-lock.yaml": pins(lock.Pin{Ecosystem: lock.NPM, Name: "demo", Version: "1.2.0", Digests: d("sha512", sum512("demo tgz"))},
			lock.Pin{Ecosystem: lock.NPM, Name: "@scope/demo", Version: "2.0.0", Digests: d("sha512", sum512("scoped tgz"))}),
		"Cargo.lock": pins(lock.Pin{Ecosystem: lock.Cargo, Name: "demo", Version: "1.2.0", File: "demo-1.2.0.crate", Digests: d("sha256", sum256("demo crate"))}),
		"go.sum": pins(lock.Pin{Ecosystem: lock.Go, Name: "example.com/Mod", Version: "v1.2.0", File: "zip", Digests: d("h1", dirHash("demo zip"))},
			lock.Pin{Ecosystem: lock.Go, Name: "example.com/Mod", Version: "v1.2.0", File: "mod", Digests: d("h1", dirHash("demo mod"))}),
	}
	want["uv.lock"], want["yarn.lock"] = want["pylock.toml"], want["package-lock.json"]
	unfixed := map[string]int{"requirements.txt": 1, "pylock.toml": 1, "uv.lock": 1, "package-lock.json": 2, "pnpm-lock.yaml": 1, "Cargo.lock": 1}
	sorted := cmpopts.SortSlices(func(a, b lock.Pin) bool { return a.Name+a.File < b.Name+b.File })
	for name, text := range locks() {
		for _, called := range []string{name, "some file"} { // by its name, and by what is in it
			l, err := lock.Read(called, []byte(text))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if diff := cmp.Diff(want[name], l.Pins, sorted); diff != "" || l.Format != name || l.Unfixed != unfixed[name] {
				t.Errorf("%s called %q: %s, %d unfixed\n%s", name, called, l.Format, l.Unfixed, diff)
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string][2]string{
		"none":              {"hello", "no known lock file"},
		"package-lock.json": {`{"lockfileVersion":1}`, "want 2 or 3"},
		"go.sum":            {"example.com/m v1.0.0 h2:x\n", "line 1: want MODULE VERSION"},
		"Cargo.lock":        {"[[package]]\nname = 'a'\nversion = '1'\nsource = 'registry+x'\nchecksum = 'zz'\n", "want ALGORITHM:HEX"},
		"uv.lock":           {"[[package]\n", "invalid TOML"},
		"pnpm-lock.yaml":    {"packages: [", "invalid YAML"},
		"yarn.lock":         {"# yarn lockfile v1\nfoo\n", "line 2: want NAME@RANGE"},
		"requirements.txt":  {"a>=1\n", "it fixes nothing"},
		"poetry.lock":       {"[[package]]\nname='a'\nversion='1'\nfiles=[{file='a.whl', hash='md5'}]\n", "digest \"md5\""},
	} {
		if l, err := lock.Read(name, []byte(c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: got %v, %v, want %q", name, l, err, c[1])
		}
	}
}

func TestIdentify(t *testing.T) {
	for url, want := range map[string]string{
		"https://mirror.example.com" + blake + "demo_pkg-1.2.0-py3-none-any.whl":            "python demo-pkg 1.2.0 blake2b-256",
		"/root/pypi/+f/abc/def/demo.pkg-1.2.0.tar.gz":                                       "python demo-pkg 1.2.0 ",
		"/packages/demo_pkg-1.2.0+cu118-1-cp311-cp311-linux_x86_64.whl":                     "python demo-pkg 1.2.0+cu118 ",
		"https://mirror.example.com/demo/-/demo-1.2.0-rc.1.tgz":                             "npm demo 1.2.0-rc.1 ",
		"/api/npm/npm/@scope/demo/-/demo-2.0.0.tgz?x=1":                                     "npm @scope/demo 2.0.0 ",
		"/@scope%2fdemo/-/demo-2.0.0.tgz":                                                   "npm @scope/demo 2.0.0 ",
		"/crates/demo/demo-1.2.0.crate":                                                     "cargo demo 1.2.0 ",
		"/api/v1/crates/demo/1.2.0/download":                                                "cargo demo 1.2.0 ",
		"/go/example.com/!mod/@v/v1.2.0.zip":                                                "go go/example.com/Mod v1.2.0 ",
		"https://mirror.example.com/v2/team/app/blobs/sha256:" + strings.Repeat("a1", 32):   "oci team/app sha256:" + strings.Repeat("a1", 32) + " sha256",
		"/debian/dists/stable/main/binary-amd64/by-hash/SHA256/" + strings.Repeat("b2", 32): "debian by-hash sha256:" + strings.Repeat("b2", 32) + " sha256",
		"/simple/demo/": "", "/demo": "", "/demo/-/other-1.0.tgz": "", "/files/archive-1.2.tar.gz": "", "%zz": "", "": "",
		"/packages/demo_pkg-1.2.0-py3-none-any.whl.metadata": "", "/example.com/m/@v/list": "", "/example.com/m/@v/v1.0.0.info": "",
	} {
		got := ""
		if a, ok := lock.Identify(url); ok {
			got = fmt.Sprintf("%s %s %s %s", a.Ecosystem, a.Name, a.Version, a.Digest.Algorithm)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
}

func TestParseLine(t *testing.T) {
	for line, want := range map[string]string{
		`1772445600.123    45 192.0.2.50 TCP_MISS/200 12345 GET https://mirror.example.com/a.whl - HIER_DIRECT/203.0.113.7 application/zip`:                                     "squid 192.0.2.50 GET https://mirror.example.com/a.whl 200",
		`1772445600.123     0 192.0.2.50 TCP_TUNNEL/200 39 CONNECT mirror.example.com:443 - HIER_DIRECT/203.0.113.7 -`:                                                          "squid 192.0.2.50 CONNECT mirror.example.com:443 200",
		`{"ts":1772445600.123,"src":"192.0.2.50","sport":40001,"method":"GET","url":"https://mirror.example.com/a.whl","status":200,"in":1,"out":2}`:                            "squid json 192.0.2.50 GET https://mirror.example.com/a.whl 200",
		`{"ts": 1.5, "client": "192.0.2.50", "method": "get", "url": "https://mirror.example.com/a.whl", "status": 200, "len": 9, "sha256": "` + sum256("x") + `"}`:             "mitmproxy 192.0.2.50 GET https://mirror.example.com/a.whl 200",
		`{"level":35,"time":1772445600123,"request":{"method":"GET","url":"/demo/-/demo-1.2.0.tgz"},"user":null,"remoteIP":"192.0.2.50","status":200,"bytes":{"in":0,"out":9}}`: "verdaccio 192.0.2.50 GET /demo/-/demo-1.2.0.tgz 200",
		`{"http-method":"GET","http-path":"/example.com/m/@v/v1.0.0.zip","http-status":200,"level":"info"}`:                                                                     "athens  GET /example.com/m/@v/v1.0.0.zip 200",
		`192.0.2.50 - - [02/Mar/2026:10:00:00 +0000] "GET /packages/a.whl HTTP/1.1" 200 2326 "-" "pip/24.0"`:                                                                    "combined 192.0.2.50 GET /packages/a.whl 200",
		`2026-03-02T10:00:00.123Z|1f2e3d4c5b6a7988|192.0.2.50|ci|GET|/api/npm/npm/demo/-/demo-1.2.0.tgz|200|-1|1234|12|npm/10`:                                                  "artifactory 192.0.2.50 GET /api/npm/npm/demo/-/demo-1.2.0.tgz 200",
		"hello": "", "{}": "", "{": "", "a b c d e f g": "", "1.0 1 c TCP/x 1 GET u": "", `{"method":"GET","url":"u","status":"x"}`: "",
		`{"method":"GET","url":"u","status":200,"sha256":"short"}`: "", "a|b|c|d|e|f|g|h|i|j": "",
	} {
		got := ""
		if f, format, err := lock.ParseLine(line); err == nil {
			got = fmt.Sprintf("%s %s %s %s %d", format, f.Client, f.Method, f.URL, f.Status)
		}
		if got != want {
			t.Errorf("%s:\n got %q\nwant %q", line, got, want)
		}
	}
}

func fetched(url string, digests ...string) string {
	line := `{"client":"192.0.2.50","method":"GET","status":200,"url":"` + url + `"`
	for i := 0; i+1 < len(digests); i += 2 {
		line += `,"` + digests[i] + `":"` + digests[i+1] + `"`
	}
	return line + "}"
}

// TestStates is the table of what is known of a fetch.
func TestStates(t *testing.T) {
	all := locks()
	read := func(name string) *lock.Lock {
		l, err := lock.Read(name, []byte(all[name]))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	wheel, other := "https://mirror.example.com"+blake+"demo_pkg-1.2.0-py3-none-any.whl", strings.Replace("https://mirror.example.com"+blake, "/3a/", "/ff/", 1)+"demo_pkg-1.2.0-py3-none-any.whl"
	blob := "/v2/team/app/blobs/sha256:" + sum256("layer")
	for _, c := range []struct {
		name, lock, line string
		want             lock.State
	}{
		{"hashed, the same", "uv.lock", fetched(wheel, "sha256", sum256("demo wheel")), lock.Verified},
		{"hashed, others", "uv.lock", fetched(wheel, "sha256", sum256("evil")), lock.Mismatch},
		{"not hashed, right host and URL", "uv.lock", fetched(wheel), lock.NotVerifiable},
		{"another digest in the URL", "uv.lock", fetched(other), lock.Mismatch},
		{"the bytes are not those of their URL", "uv.lock", fetched(wheel, "blake2b_256", sum256("x")), lock.Mismatch},
		{"hashed by what is not locked", "uv.lock", fetched("/packages/demo_pkg-1.2.0-py3-none-any.whl", "sha512", sum512("demo wheel")), lock.NotVerifiable},
		{"another file of the version", "uv.lock", fetched("/packages/demo_pkg-1.2.0-cp311-cp311-linux_x86_64.whl", "sha256", sum256("demo wheel")), lock.OtherVersion},
		{"another version", "requirements.txt", fetched("/packages/demo_pkg-1.2.1-py3-none-any.whl"), lock.OtherVersion},
		{"another name", "requirements.txt", fetched("/packages/demo_pkgs-1.2.0-py3-none-any.whl"), lock.NotLocked},
		{"any of several hashes", "requirements.txt", fetched("/packages/demo-pkg-1.2.0.tar.gz", "sha256", sum256("demo sdist")), lock.Verified},
		{"npm", "package-lock.json", fetched("/demo/-/demo-1.2.0.tgz", "sha512", sum512("demo tgz")), lock.Verified},
		{"npm, the other one of a scope", "yarn.lock", fetched("/@scope/demo/-/demo-1.2.0.tgz", "sha512", sum512("demo tgz")), lock.OtherVersion},
		{"npm, hashed otherwise", "pnpm-lock.yaml", fetched("/demo/-/demo-1.2.0.tgz", "sha256", sum256("demo tgz")), lock.NotVerifiable},
		{"crate", "Cargo.lock", fetched("/api/v1/crates/demo/1.2.0/download", "sha256", sum256("demo crate")), lock.Verified},
		{"Go, its own hash", "go.sum", fetched("/go/example.com/!mod/@v/v1.2.0.zip", "h1", "h1:"+dirHash("demo zip")), lock.Verified},
		{"Go, the hash of the zip is none", "go.sum", fetched("/example.com/!mod/@v/v1.2.0.zip", "sha256", sum256("demo zip")), lock.NotVerifiable},
		{"Go, other files", "go.sum", fetched("/example.com/!mod/@v/v1.2.0.zip", "h1", "h1:"+dirHash("evil")), lock.Mismatch},
		{"a layer, hashed", "go.sum", fetched(blob, "sha256", sum256("layer")), lock.Verified},
		{"a layer, other bytes", "go.sum", fetched(blob, "sha256", sum256("evil")), lock.Mismatch},
		{"a layer, not hashed", "go.sum", fetched(blob), lock.NotVerifiable},
		{"a part", "uv.lock", strings.Replace(fetched(wheel, "sha256", sum256("a part")), ":200", ":206", 1), lock.NotVerifiable},
		{"of an ecosystem that is not locked", "go.sum", fetched(wheel), ""},
		{"not handed out", "uv.lock", strings.Replace(fetched(wheel), ":200", ":404", 1), ""},
	} {
		k := lock.NewChecker(read(c.lock))
		if err := k.Read(strings.NewReader(c.line + "\n")); err != nil || k.Unread > 0 {
			t.Fatalf("%s: %v, %d unread", c.name, err, k.Unread)
		}
		got := lock.State("")
		for _, r := range k.Sorted() {
			got = r.State
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q: %+v", c.name, got, c.want, k.Results)
		}
		if c.want == lock.Verified && !strings.Contains(c.line, "sha") && !strings.Contains(c.line, "h1") {
			t.Errorf("%s: verified without a hash", c.name)
		}
	}
}

// TestLinesAreBounded: a line without an end is one that could not be read.
func TestLinesAreBounded(t *testing.T) {
	l, err := lock.Read("go.sum", []byte(locks()["go.sum"]))
	if err != nil {
		t.Fatal(err)
	}
	k := lock.NewChecker(l)
	text := strings.Repeat("x", 3<<20) + "\n" + fetched("/example.com/!mod/@v/v1.2.0.zip") + "\nCONNECT\n"
	if err := k.Read(strings.NewReader(text)); err != nil || k.Lines != 3 || k.Unread != 2 || k.Counts[lock.NotVerifiable] != 1 {
		t.Errorf("%v, %d lines, %d unread, %v", err, k.Lines, k.Unread, k.Counts)
	}
}

func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		`1772445600.123 45 192.0.2.50 TCP_MISS/200 12345 GET https://mirror.example.com/a-1.0-py3-none-any.whl - - -`,
		fetched("/demo/-/demo-1.2.0.tgz", "sha512", sum512("x"), "h1", "h1:x"),
		`{"request":{"method":"GET","url":"/demo/-/demo-1.2.0.tgz"},"remoteIP":"192.0.2.50","status":200}`,
		`192.0.2.50 - - [02/Mar/2026:10:00:00 +0000] "GET /v2/a/blobs/sha256:00 HTTP/1.1" 200 2326 "-" "pip"`,
		`2026-03-02T10:00:00Z|1|192.0.2.50|ci|GET|/example.com/!a/@v/v1.0.0.zip|200|-1|1|2|x`,
	} {
		f.Add(line)
	}
	locked := locks()
	f.Fuzz(func(t *testing.T, line string) {
		got, format, err := lock.ParseLine(line)
		if (err == nil) != (format != "") || err == nil && (got.Method == "" || got.URL == "") {
			t.Fatalf("%+v, %q, %v", got, format, err)
		}
		l, err := lock.Read("package-lock.json", []byte(locked["package-lock.json"]))
		if err != nil {
			t.Fatal(err)
		}
		k := lock.NewChecker(l)
		k.Add(&got)
		for _, r := range k.Sorted() {
			if r.State == lock.Verified && len(got.Digests) == 0 {
				t.Fatalf("verified, and nobody hashed anything: %+v", r)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	names := []string{"requirements.txt", "pylock.toml", "uv.lock", "poetry.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "Cargo.lock", "go.sum"}
	for i, name := range names {
		f.Add(i, locks()[name])
	}
	f.Add(5, "__metadata:\n  version: 8\n\"demo@npm:^1\":\n  version: 1.2.0\n  resolution: \"demo@npm:1.2.0\"\n  checksum: 10c0/aa\n  linkType: hard\n")
	f.Fuzz(func(t *testing.T, kind int, text string) {
		l, err := lock.Read(names[uint(kind)%uint(len(names))], []byte(text))
		if (err == nil) != (l != nil) {
			t.Fatal(l, err)
		}
		if err != nil {
			return
		}
		for _, p := range l.Pins {
			if p.Name == "" || p.Version == "" || p.Ecosystem == "" {
				t.Fatalf("a pin of nothing: %+v", p)
			}
		}
	})
}
