package main_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers is the architecture: for each package, what else of ours it may
// import. Adding a line here is a design decision; say why in the commit.
var layers = map[string][]string{
	"ipranges":      {},
	"ipranges/feed": {"ipranges"},
	"ipranges/mmdb": {"ipranges"},

	"learn": {"ipranges"},
	// A container engine is no source of flows: it says whose an address was.
	"learn/container": {"learn"},
	// What names a connection says is read the same way on a wire and in a sandbox.
	"learn/internal/dissect": {},
	"learn/sandbox":          {"learn", "learn/internal/dissect", "learn/sandbox/internal/bodies"},
	// What passes by is read as messages without the sandbox knowing how.
	"learn/sandbox/internal/bodies": {"learn"},
	"learn/source": {
		"learn",
		"learn/source/internal/assemble",
		"learn/source/internal/bpf",
		"learn/source/internal/capfile",
		"learn/source/internal/conntrack",
		"learn/source/internal/ctnetlink",
		"learn/source/internal/dnslog",
		"learn/source/internal/dnstap",
		"learn/source/internal/eve",
		"learn/source/internal/filterlog",
		"learn/source/internal/lines",
		"learn/source/internal/live",
		"learn/source/internal/netfilter",
		"learn/source/internal/netflow",
		"learn/source/internal/packet",
		"learn/source/internal/proc",
		"learn/source/internal/scan",
		"learn/source/internal/sockdiag",
		"learn/source/internal/syslog",
		"learn/source/internal/vpcflow",
		"learn/source/internal/zeek",
	},
	"learn/source/internal/assemble":  {"learn", "learn/internal/dissect", "learn/source/internal/packet"},
	"learn/source/internal/bpf":       {},
	"learn/source/internal/capfile":   {},
	"learn/source/internal/conntrack": {"learn/source/internal/scan", "learn/source/internal/syslog"},
	"learn/source/internal/ctnetlink": {"learn", "learn/source/internal/conntrack"},
	"learn/source/internal/dnslog":    {"learn", "learn/source/internal/scan", "learn/source/internal/syslog"},
	"learn/source/internal/dnstap":    {},
	"learn/source/internal/eve":       {"learn/source/internal/scan"},
	"learn/source/internal/filterlog": {"learn/source/internal/scan"},
	"learn/source/internal/lines":     {"learn", "ipranges"},
	"learn/source/internal/live":      {"learn/source/internal/capfile"},
	"learn/source/internal/netfilter": {"learn/source/internal/scan", "learn/source/internal/syslog"},
	"learn/source/internal/netflow":   {"learn/source/internal/scan"},
	"learn/source/internal/packet":    {},
	"learn/source/internal/proc":      {"learn"},
	"learn/source/internal/scan":      {},
	"learn/source/internal/sockdiag":  {},
	"learn/source/internal/syslog":    {"learn/source/internal/scan"},
	"learn/source/internal/vpcflow":   {"learn/source/internal/scan"},
	"learn/source/internal/zeek":      {"learn/source/internal/scan"},

	"enforce":        {"learn", "ipranges"},
	"enforce/alert":  {"enforce", "learn", "ipranges"},
	"enforce/export": {"enforce", "learn", "ipranges"},
	// What was exported, over HTTP: a firewall fetches it.
	"enforce/export/publish": {"enforce/export", "learn"},

	// What a lock file fixes, and what a proxy's log says of it: no policy is asked.
	"enforce/lock": {"learn"},
	// What a vault's audit log says of connections: a witness beside the policy.
	"enforce/vault": {"learn"},
	"store":         {"learn", "ipranges"},
	"cmd/tripline":  {"*"},
}

// doors says which packages may import what is not ours and not Go's own: one
// for each, so that a replacement is a change in one place.
var doors = map[string][]string{
	"github.com/spf13/cobra":                        {"cmd/tripline"},
	"github.com/coreos/go-systemd/v22":              {"cmd/tripline"},
	"github.com/prometheus/client_golang":           {"cmd/tripline"},
	"github.com/olekukonko/tablewriter":             {"cmd/tripline"},
	"golang.org/x/term":                             {"cmd/tripline"},
	"charm.land/bubbletea/v2":                       {"cmd/tripline"},
	"golang.org/x/net/publicsuffix":                 {"learn"},
	"github.com/nicholas-fedor/shoutrrr":            {"enforce/alert"},
	"github.com/wneessen/go-mail":                   {"enforce/alert"},
	"golang.org/x/net/http2/hpack":                  {"learn/internal/dissect"},
	"golang.org/x/net/dns/dnsmessage":               {"learn/source/internal/dnslog", "learn/sandbox"},
	"go.etcd.io/bbolt":                              {"store"},
	"gopkg.in/yaml.v3":                              {"learn"},
	"github.com/gaissmai/bart":                      {"ipranges"},
	"github.com/oschwald/maxminddb-golang":          {"ipranges/mmdb"},
	"github.com/BurntSushi/toml":                    {"enforce/lock"},
	"github.com/ulikunitz/xz":                       {"learn/source/internal/lines"},
	"github.com/fsnotify/fsnotify":                  {"learn/source/internal/lines"},
	"github.com/netsampler/goflow2":                 {"learn/source/internal/netflow"},
	"github.com/gopacket/gopacket":                  {"learn/source/internal/live"},
	"golang.org/x/net/bpf":                          {"learn/source/internal/live"},
	"github.com/cilium/ebpf":                        {"learn/source/internal/bpf"},
	"github.com/mdlayher/netlink":                   {"learn/source/internal/sockdiag"},
	"github.com/ti-mo/conntrack":                    {"learn/source/internal/ctnetlink"},
	"github.com/ti-mo/netfilter":                    {"learn/source/internal/ctnetlink"},
	"golang.org/x/sys":                              {"learn/source/internal/live", "learn/source/internal/ctnetlink", "learn/source/internal/bpf", "learn/source/internal/sockdiag", "learn/sandbox"},
	"gvisor.dev/gvisor":                             {"learn/sandbox"},
	"github.com/landlock-lsm/go-landlock":           {"learn/sandbox"},
	"kernel.org/pub/linux/libs/security/libcap/psx": {"learn/sandbox"}, // what go-landlock reaches all threads by
	"github.com/vishvananda/netlink":                {"learn/sandbox"},
	"github.com/klauspost/compress":                 {"learn/source/internal/lines", "store"}, // what others packed, and what the store packs
}

// core is what opens no file, reads no clock and logs nothing.
var core = []string{"ipranges", "learn", "enforce"}

// closed are packages of Go that would let the core do so.
var closed = []string{"os", "os/exec", "os/signal", "io/ioutil", "log", "log/slog", "flag", "net", "net/http", "syscall"}

// clocks are functions of package time that read one, or wait for it.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}

// systems are what the program is built for; some files are for one alone.
var systems = []string{"linux", "freebsd"}

// A listed package is what "go list" says of it.
type listed struct {
	ImportPath, Dir, Doc string
	GoFiles, Imports     []string
}

func TestImports(t *testing.T) {
	for _, system := range systems {
		for _, p := range list(t, system) {
			for _, path := range p.Imports {
				if why := refused(ours(p.ImportPath), path); why != "" {
					t.Errorf("%s: %s", system, why)
				}
			}
		}
	}
}

// refused says why a package of ours may not import that path, if it may not.
func refused(pkg, path string) string {
	switch {
	case path == "C":
		return pkg + " imports C; the program is built without cgo"
	case strings.HasPrefix(path, module+"/"):
		if allowed := layers[pkg]; !slices.Contains(allowed, "*") && !slices.Contains(allowed, ours(path)) {
			return pkg + " imports " + ours(path)
		}
	case slices.Contains(core, pkg) && slices.Contains(closed, path):
		return pkg + " imports " + path + "; the core opens nothing and logs nothing"
	case strings.Contains(strings.SplitN(path, "/", 2)[0], "."):
		return refusedAtDoor(pkg, path)
	}
	return ""
}

func refusedAtDoor(pkg, path string) string {
	for dependency, doorkeepers := range doors {
		if partOf(path, dependency) {
			if slices.Contains(doorkeepers, pkg) {
				return ""
			}
			return pkg + " imports " + path + "; its door is " + strings.Join(doorkeepers, ", ")
		}
	}
	return pkg + " imports " + path + ", which has no door in this table"
}

func partOf(path, dependency string) bool {
	return path == dependency || strings.HasPrefix(path, dependency+"/")
}

// TestEveryDoorIsUsed keeps the table of doors from rotting.
func TestEveryDoorIsUsed(t *testing.T) {
	packages := list(t, systems[0])
	for dependency, doorkeepers := range doors {
		for _, keeper := range doorkeepers {
			if !slices.ContainsFunc(packages, func(p listed) bool {
				return ours(p.ImportPath) == keeper && slices.ContainsFunc(p.Imports, func(path string) bool { return partOf(path, dependency) })
			}) {
				t.Errorf("%s is the door to %s and does not import it", keeper, dependency)
			}
		}
	}
}

// TestEveryPackageHasALayer keeps the table from rotting in either direction.
func TestEveryPackageHasALayer(t *testing.T) {
	var found []string
	for _, p := range list(t, systems[0]) {
		found = append(found, ours(p.ImportPath))
		if _, ok := layers[ours(p.ImportPath)]; !ok {
			t.Errorf("%s has no line in the table of layers", ours(p.ImportPath))
		}
	}
	for pkg := range layers {
		if !slices.Contains(found, pkg) {
			t.Errorf("the table of layers has a line for %s, which does not exist", pkg)
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, p := range list(t, systems[0]) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", ours(p.ImportPath))
		}
	}
}

func TestCoreReadsNoClock(t *testing.T) {
	for _, p := range list(t, systems[0]) {
		if !slices.Contains(core, ours(p.ImportPath)) {
			continue
		}
		for _, name := range p.GoFiles {
			for _, use := range clockUses(t, filepath.Join(p.Dir, name)) {
				t.Errorf("%s; the core takes time from flows or from a parameter", use)
			}
		}
	}
}

// clockUses returns the places where a file asks what time it is.
func clockUses(t *testing.T, path string) (uses []string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, s.Sel.Name) {
			uses = append(uses, files.Position(s.Pos()).String()+": time."+s.Sel.Name)
		}
		return true
	})
	return uses
}

const module = "tripline"

func ours(path string) string { return strings.TrimPrefix(path, module+"/") }

// list returns the packages of this module as they are built for a system.
func list(t *testing.T, system string) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,GoFiles,Imports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v", system, err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
