package lock_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tripline/enforce/lock"
)

// driver stands for mitmproxy: it gives the addon one response after the other.
const driver = `
import sys, types, runpy
class Options: hashes_file = "hashes.jsonl"
class Log:
    def warn(self, text): print(text, file=sys.stderr)
m = types.ModuleType("mitmproxy"); m.ctx = types.SimpleNamespace(options=Options(), log=Log()); sys.modules["mitmproxy"] = m
addon = runpy.run_path(sys.argv[1])["addons"][0]
for url, path in zip(sys.argv[2::2], sys.argv[3::2]):
    n = types.SimpleNamespace
    body = open(path, "rb").read()
    addon.response(n(client_conn=n(peername=("192.0.2.50", 40001)), request=n(method="GET", pretty_url="https://mirror.example.com" + url, path=url), response=n(status_code=200, raw_content=body)))
`

// TestMitmproxyAddon: what docs/mitmproxy_hashes.py writes is read, and the hash of
// a module's zip is that of go.sum.
func TestMitmproxyAddon(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	addon, err := filepath.Abs("../../docs/mitmproxy_hashes.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string]string{"example.com/m@v1.2.0/go.mod": "module example.com/m\n", "example.com/m@v1.2.0/m.go": "package m\n", "example.com/m@v1.2.0/B.go": "package m\n"}
	archive := zipped(t, files)
	for name, text := range map[string]string{"driver.py": driver, "m.zip": archive, "go.mod": files["example.com/m@v1.2.0/go.mod"], "demo.tgz": "demo tgz", "broken.zip": "PK"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, "driver.py", addon,
		"/example.com/m/@v/v1.2.0.zip", "m.zip", "/example.com/m/@v/v1.2.0.mod", "go.mod", "/demo/-/demo-1.2.0.tgz?x", "demo.tgz", "/example.com/m/@v/v1.3.0.zip", "broken.zip")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sums, err := lock.Read("go.sum", fmt.Appendf(nil, "example.com/m v1.2.0 h1:%s\nexample.com/m v1.2.0/go.mod h1:%s\n", hash1(files), hash1(map[string]string{"go.mod": files["example.com/m@v1.2.0/go.mod"]})))
	if err != nil {
		t.Fatal(err)
	}
	npm, err := lock.Read("package-lock.json", []byte(locks()["package-lock.json"]))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Open(filepath.Join(dir, "hashes.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	k := lock.NewChecker(sums, npm)
	if err := k.Read(log); err != nil || k.Unread > 0 || k.Formats["mitmproxy"] != 4 {
		t.Fatalf("%v: %+v", err, k.Report)
	}
	if k.Counts[lock.Verified] != 3 || k.Counts[lock.OtherVersion] != 1 {
		t.Errorf("got %v: %+v", k.Counts, k.Results)
	}
}

func zipped(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hash1 is the hash of go.sum, as golang.org/x/mod/sumdb/dirhash specifies it.
func hash1(files map[string]string) string {
	var lines []string
	for name, text := range files {
		sum := sha256.Sum256([]byte(text))
		lines = append(lines, hex.EncodeToString(sum[:])+"  "+name+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return base64.StdEncoding.EncodeToString(sum[:])
}
