package source

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/learn"
)

// Where the parties of [TestEverybodySeesTheSame] live.
const (
	clientNet4, clientNet6 = "192.0.2.0/24", "2001:db8:1::/64"
	client4, client6       = "192.0.2.50", "2001:db8:1::50"
	inner4, inner6         = "192.0.2.1", "2001:db8:1::1"
	outer4, outer6         = "203.0.113.1", "2001:db8:2::1"
	server4, server6       = "203.0.113.20", "2001:db8:2::20"
	api4, udp4             = "203.0.113.21", "203.0.113.22" // of the server, too
)

// expected is what curl and a datagram make, and how often: exactly this.
var expected = []string{
	"tcp 192.0.2.50 203.0.113.20:8080 www.example.com x2",
	"tcp 192.0.2.50 203.0.113.21:443 api.example.com x3",
	"tcp 2001:db8:1::50 2001:db8:2::20:443 six.example.com x2",
	"udp 192.0.2.50 203.0.113.22:9999 udp.example.com x1",
}

// TestEverybodySeesTheSame makes a client, a router that translates addresses, and
// a server, each in a network namespace. While curl talks, every source that can
// run here looks at the same traffic; each must tell of the same connections, by
// the same names.
func TestEverybodySeesTheSame(t *testing.T) {
	logForNamespaces(t)
	if !inNamespace(t, "nft", "curl", "dnsmasq", "conntrack", "tcpdump", "softflowd", "mount", "bash", "nsenter") {
		return
	}
	w := newWorld(t)
	w.serve()
	w.resolve()
	w.watch()
	w.talk()
	w.rest()
	for _, s := range w.sources() {
		if got := w.seen(s); !slices.Equal(got, s.want) {
			t.Errorf("%s: got\n\t%s\nwant\n\t%s", s.name, strings.Join(got, "\n\t"), strings.Join(s.want, "\n\t"))
		} else {
			t.Logf("%-34s %s", s.name, strings.Join(got, "; "))
		}
	}
}

// logForNamespaces lets the kernel log what rules of other namespaces say, for as
// long as the test lasts: it is a setting of the machine, seen in its first
// namespace only.
func logForNamespaces(t *testing.T) {
	t.Helper()
	const path = "/proc/sys/net/netfilter/nf_log_all_netns"
	was, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(was)) == "1" || os.WriteFile(path, []byte("1"), 0) != nil {
		return // without it, one source less is compared
	}
	t.Cleanup(func() { _ = os.WriteFile(path, was, 0) })
}

// A world is the three namespaces. The router is the namespace of the test.
type world struct {
	*testing.T

	dir            string
	client, server string
	watching       []*watcher
	programs       []*exec.Cmd
	prefix         string // of lines that the kernel logs
}

// A watcher is a helper of this program that tells what a live source sees.
type watcher struct {
	name string
	stop io.Closer
	cmd  *exec.Cmd
	out  string // file

	copied chan error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	id := fmt.Sprintf("tl%d", os.Getpid())
	w := &world{T: t, dir: t.TempDir(), client: id + "c", server: id + "s", prefix: "tripline-" + id + " "}
	for _, name := range []string{w.client, w.server} {
		run(t, "ip", "netns", "add", name)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	}
	w.link("in0", w.client, "c0", inner4, inner6, client4, client6)
	w.link("out0", w.server, "s0", outer4, outer6, server4, server6)
	for _, a := range []string{api4, udp4} {
		run(t, "ip", "netns", "exec", w.server, "ip", "addr", "add", a+"/24", "dev", "s0")
	}
	for _, line := range []string{"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/netfilter/nf_conntrack_acct"} {
		if err := os.WriteFile("/proc/sys/"+line, []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "nft", fmt.Sprintf(`table inet t {
		chain post { type nat hook postrouting priority srcnat; ip saddr %s oifname "out0" masquerade; }
		chain forth { type filter hook forward priority 0; ct state new log prefix "%s"; ct state new log group 7; ct state established accept; }
	}`, clientNet4, w.prefix))
	return w
}

// link joins the router and a namespace, and waits until both ends can be used.
func (w *world) link(near, space, far, near4, near6, far4, far6 string) {
	in := []string{"netns", "exec", space, "ip"}
	run(w.T, "ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", space)
	for _, line := range [][]string{{near, near4, near6}, {far, far4, far6}} {
		var via []string
		if line[0] == far {
			via = in
		}
		do := func(args ...string) { run(w.T, "ip", args...) }
		if via != nil {
			do = func(args ...string) { run(w.T, "ip", slices.Concat(in, args)...) }
		}
		do("addr", "add", line[1]+"/24", "dev", line[0])
		do("addr", "add", line[2]+"/64", "dev", line[0], "nodad")
		do("link", "set", line[0], "up")
		if via != nil {
			do("link", "set", "lo", "up")
			do("route", "add", "default", "via", near4)
			do("route", "add", "default", "via", near6)
		}
	}
}

// in starts a program in a namespace; it ends with the test.
func (w *world) in(space string, args ...string) *exec.Cmd {
	if space != "" {
		args = append([]string{"ip", "netns", "exec", space}, args...)
	}
	c := exec.CommandContext(w.Context(), args[0], args[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// begin starts a program that is ended when the traffic is over.
func (w *world) begin(space, log string, args ...string) {
	c := w.in(space, args...)
	if log != "" {
		f, err := os.Create(filepath.Join(w.dir, log))
		if err != nil {
			w.Fatal(err)
		}
		c.Stdout = f
	}
	said, err := os.Create(filepath.Join(w.dir, args[0]+".stderr"))
	if err != nil {
		w.Fatal(err)
	}
	c.Stderr = said
	if err := c.Start(); err != nil {
		w.Fatal(err)
	}
	w.programs = append(w.programs, c)
}

// helper starts this program again, as one of the helpers below, and waits until
// it is ready.
func (w *world) helper(space, what string, args ...string) *watcher {
	args = append([]string{what}, args...)
	again := []string{os.Args[0], "-test.run", "^TestHelper$", "-test.count=1"}
	if space != "" { // "ip netns exec" would take the control groups away, by which eBPF sees
		again = append([]string{"nsenter", "--net=/run/netns/" + space}, again...)
	}
	c := w.in("", again...)
	c.Env = append(os.Environ(), "TRIPLINE_HELPER="+strings.Join(args, "\n"))
	c.Stderr = os.Stderr
	in, err1 := c.StdinPipe()
	out, err2 := c.StdoutPipe()
	if err := errors.Join(err1, err2, c.Start()); err != nil {
		w.Fatal(err)
	}
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); err != nil || line != "ready\n" {
		w.Fatalf("helper %s: got %q, %v", args, line, err)
	}
	h := &watcher{name: strings.Join(args[1:], " "), stop: in, cmd: c, out: filepath.Join(w.dir, fmt.Sprintf("seen%d", len(w.watching)))}
	f, err := os.Create(h.out)
	if err != nil {
		w.Fatal(err)
	}
	h.copied = make(chan error, 1)
	go func() {
		_, err := io.Copy(f, r)
		h.copied <- err
	}()
	w.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	return h
}

func (w *world) serve() { w.helper(w.server, "serve") }

// resolve starts a resolver on the router, that logs.
func (w *world) resolve() {
	w.begin("", "", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--listen-address="+inner4, "--bind-interfaces", "--no-resolv", "--no-hosts",
		"--address=/api.example.com/"+api4, "--address=/www.example.com/"+server4, "--address=/udp.example.com/"+udp4, "--address=/six.example.com/"+server6,
		"--user=", "--pid-file=", "--log-queries=extra", "--log-facility="+w.dnsLog())
	if err := os.WriteFile(filepath.Join(w.dir, "resolv.conf"), []byte("nameserver "+inner4+"\n"), 0o600); err != nil {
		w.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(w.dnsLog()); err == nil {
			return
		}
		if time.Now().After(end) {
			w.Fatal("dnsmasq does not start")
		}
	}
}

func (w *world) dnsLog() string { return filepath.Join(w.dir, "dnsmasq.log") }

// watch starts everything that looks.
func (w *world) watch() {
	w.begin("", "conntrack.log", "conntrack", "-E", "-e", "NEW,DESTROY", "-o", "timestamp,id")
	w.begin(w.client, "", "tcpdump", "-q", "--immediate-mode", "-U", "-i", "c0", "-w", filepath.Join(w.dir, "client.pcap"))
	w.begin("", "", "tcpdump", "-q", "--immediate-mode", "-U", "-i", "out0", "-w", filepath.Join(w.dir, "outside.pcap"))
	w.begin("", "", "tcpdump", "-q", "--immediate-mode", "-U", "-i", "nflog:7", "-w", filepath.Join(w.dir, "nflog.pcap"))
	for _, h := range [][]string{
		{w.client, "capture", "c0"},
		{"", "capture", "in0"},
		{"", "conntrack", Kernel},
		{"", "netflow", "udp://127.0.0.1:2055"},
		{w.client, "host", "c0"},
		{w.client, "ebpf", Kernel},
	} {
		if h[1] == "ebpf" && !w.observes() {
			continue
		}
		w.watching = append(w.watching, w.helper(h[0], "watch", h[1], h[2], w.dnsLog()))
	}
	for _, name := range []string{"client.pcap", "outside.pcap", "nflog.pcap"} {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if info, err := os.Stat(filepath.Join(w.dir, name)); err == nil && info.Size() >= 24 {
				break
			}
			if time.Now().After(end) {
				w.Fatalf("tcpdump does not write %s", name)
			}
		}
	}
	time.Sleep(time.Second) // conntrack does not say when it listens
}

// observes says whether eBPF can be had here.
func (w *world) observes() bool {
	k, err := openOnlooker()
	if err != nil {
		w.Logf("eBPF is left out: %v", err)
		return false
	}
	_ = k.Close()
	return true
}

// talk makes the traffic of the expected table.
func (w *world) talk() {
	script := `mount --bind ` + filepath.Join(w.dir, "resolv.conf") + ` /etc/resolv.conf || exit 1
	c="curl -sS -k -m 10 -o /dev/null"
	for i in 1 2; do $c http://www.example.com:8080/ || exit 1; done
	for i in 1 2 3; do $c https://api.example.com/ || exit 1; done
	for i in 1 2; do $c https://six.example.com/ || exit 1; done
	echo hello > /dev/udp/udp.example.com/9999`
	c := w.in(w.client, "bash", "-c", script)
	if out, err := c.CombinedOutput(); err != nil {
		w.Fatalf("the client: %v: %s", err, out)
	}
}

// rest lets everything see the end, and ends it.
func (w *world) rest() {
	time.Sleep(settleTime)
	for _, c := range w.programs[1:] { // the resolver was first
		_ = c.Process.Signal(syscall.SIGTERM)
	}
	for _, c := range w.programs[1:] {
		_ = c.Wait()
	}
	// On an interface softflowd waits until a buffer of libpcap is full, so it reads
	// what tcpdump wrote there.
	out, err := w.in("", "softflowd", "-d", "-r", filepath.Join(w.dir, "client.pcap"), "-v", "9", "-n", "127.0.0.1:2055", "-c", "none", "-p", filepath.Join(w.dir, "softflowd.pid")).CombinedOutput()
	if err != nil {
		w.Errorf("softflowd: %v: %s", err, out)
	}
	time.Sleep(2 * settleTime)
	for _, h := range w.watching {
		_ = h.stop.Close()
		if err := errors.Join(<-h.copied, h.cmd.Wait()); err != nil {
			w.Errorf("%s: %v", h.name, err)
		}
	}
}

// A viewer is a source, and what it must tell.
type viewer struct {
	name   string
	inputs []Input  // to be read now
	seen   string   // else what a helper wrote
	want   []string // of the expected
}

func (w *world) sources() []viewer {
	dns := Input{dnsmasqSource, w.dnsLog()}
	path := func(name string) string { return filepath.Join(w.dir, name) }
	list := []viewer{
		{name: "pcap of the client", inputs: []Input{{pcapSource, path("client.pcap")}}},
		{name: "conntrack -E, dnsmasq's log", inputs: []Input{{conntrackSource, path("conntrack.log")}, dns}},
		{name: "NFLOG, dnsmasq's log", inputs: []Input{{pcapSource, path("nflog.pcap")}, dns}},
		{name: "pcap after NAT, conntrack -E", inputs: []Input{{pcapSource, path("outside.pcap")}, {conntrackSource, path("conntrack.log")}, dns}},
		{name: "both captures, conntrack -E", inputs: []Input{{pcapSource, path("client.pcap")}, {pcapSource, path("outside.pcap")}, {conntrackSource, path("conntrack.log")}}},
	}
	if w.kernelLog(path("kern.log")) {
		list = append(list, viewer{name: "kernel log, dnsmasq's log", inputs: []Input{{netfilterSource, path("kern.log")}, dns}})
	}
	for _, h := range w.watching {
		list = append(list, viewer{name: "live: " + strings.ReplaceAll(h.name, w.dir+"/", ""), seen: h.out})
	}
	for i := range list {
		list[i].want = expected
	}
	return list
}

// kernelLog writes what the kernel logged of this test, if it may be read and logs
// for namespaces at all.
func (w *world) kernelLog(path string) bool {
	out, err := exec.CommandContext(w.Context(), "dmesg").Output()
	if err != nil {
		w.Logf("the kernel's log cannot be read: %v", err)
		return false
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, w.prefix) {
			_, line, _ = strings.Cut(line, "] ")
			lines = append(lines, time.Now().Format(time.RFC3339)+" router kernel: "+line)
		}
	}
	if len(lines) == 0 {
		w.Log("the kernel logs nothing for network namespaces (net.netfilter.nf_log_all_netns)")
		return false
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		w.Fatal(err)
	}
	return true
}

func (w *world) seen(v viewer) []string {
	if v.seen != "" {
		text, err := os.ReadFile(v.seen)
		if err != nil {
			w.Fatal(err)
		}
		return table(strings.Split(strings.TrimSpace(string(text)), "\n"))
	}
	src, path := v.inputs[0].Source, v.inputs[0].Path
	if len(v.inputs) > 1 {
		src, path = Together(v.inputs)
	}
	s, err := Open(src, path, nil, StreamOptions{Options: atHome(), Whole: true})
	if err != nil {
		w.Fatal(err)
	}
	defer s.Close()
	var list []string
	n := learn.NewNamer()
	for {
		line, err := connection(s, n)
		if errors.Is(err, io.EOF) {
			return table(list)
		}
		if err != nil {
			w.Fatalf("%s: %v", v.name, err)
		}
		list = append(list, line)
	}
}

// atHome says what is on the inside: the client, also by its translated address.
func atHome() Options {
	return Options{Local: []netip.Prefix{netip.MustParsePrefix(clientNet4), netip.MustParsePrefix(clientNet6), netip.MustParsePrefix(outer4 + "/32")}}
}

// connection returns the next connection of the client as a line, with the name
// that it says or was told.
func connection(s Stream, n *learn.Namer) (string, error) {
	for {
		var r Record
		err := s.Next(&r)
		if errors.As(err, new(*RecordError)) {
			continue // the ends of captures that are still written
		}
		if err != nil {
			return "", err
		}
		if r.Answer != nil {
			n.Note("client", r.Answer)
		}
		if !r.Counted || r.Src.String() != client4 && r.Src.String() != client6 || r.DstPort == 53 || r.Proto == learn.ICMPv6 {
			continue
		}
		n.Name(&r.Flow, "client")
		return fmt.Sprintf("%s %s %s:%d %s", r.Proto, r.Src, r.Dst, r.DstPort, r.Name), nil
	}
}

// table counts lines that are the same.
func table(lines []string) (out []string) {
	counts := map[string]int{}
	for _, line := range lines {
		if line != "" && line != "PASS" {
			counts[line]++
		}
	}
	for line, n := range counts {
		out = append(out, fmt.Sprintf("%s x%d", line, n))
	}
	slices.Sort(out)
	return out
}

// TestHelper is no test: it is a server or a live source, in a namespace.
func TestHelper(t *testing.T) {
	args := strings.Split(os.Getenv("TRIPLINE_HELPER"), "\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until who started it ends
		cancel()
	}()
	switch args[0] {
	case "serve":
		serve(ctx, t)
	case "watch":
		watch(ctx, t, args[1], args[2], args[3])
	default:
		t.Skip("only as a helper")
	}
}

func serve(ctx context.Context, t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	plain, err1 := net.Listen("tcp", ":8080")
	safe, err2 := tls.Listen("tcp", ":443", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12})
	udp, err3 := net.ListenPacket("udp", ":9999")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	s := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	go s.Serve(plain)
	go s.Serve(safe)
	fmt.Println("ready")
	<-ctx.Done()
	_ = s.Close()
}

func watch(ctx context.Context, t *testing.T, name, path, dns string) {
	src, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	src, path = Together([]Input{{src, path}, {dnsmasqSource, dns}})
	s, err := Open(src, path, nil, StreamOptions{Options: atHome(), Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Println("ready")
	n := learn.NewNamer()
	for {
		line, err := connection(s, n)
		switch {
		case err == nil:
			fmt.Println(line)
		case !errors.Is(err, io.EOF):
			t.Fatal(err)
		case ctx.Err() != nil:
			if d := s.Stats().Dropped; d > 0 {
				fmt.Println("dropped", d)
			}
			return
		default:
			_ = s.Wait(ctx, time.Second) // the loop ends with ctx
		}
	}
}
