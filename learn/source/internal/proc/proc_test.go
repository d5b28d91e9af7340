package proc

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"curl -s https://api.example.com/v1?limit=3":          "curl -s https://api.example.com/v1?limit=3",
		"curl -u bot:hunter2 https://example.com":             "curl -u [redacted] https://example.com",
		"curl https://bot:hunter2@example.com/x":              "curl https://[redacted]@example.com/x",
		"tool --password hunter2 --name bot":                  "tool --password [redacted] --name bot",
		"tool --api-key=abc123 --name=bot":                    "tool --api-key=[redacted] --name=bot",
		"env OPENAI_API_KEY=sk-1234 python3 bot.py":           "env OPENAI_API_KEY=[redacted] python3 bot.py",
		"tool ghp_abcdefghijklmnopqrst x":                     "tool [redacted] x",
		"tool AKIAIOSFODNN7EXAMPLE":                           "tool [redacted]",
		"tool eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln":      "tool [redacted]",
		"curl https://example.com/?token=abc&limit=3":         "curl https://example.com/?token=[redacted]&limit=3",
		"python3 bot.py --token-file /run/secrets/x --plan b": "python3 bot.py --token-file [redacted] --plan b",
	} {
		if got := strings.Join(Redact(strings.Fields(text)), " "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
	for _, args := range [][]string{
		{"curl", "-H", "Authorization: Bearer abcdefgh1234", "x"},
		{"curl", "-H", "X-Api-Thing: hunter2hunter2", "x"},
		{"sh", "-c", `curl -H "Authorization: Bearer hunter2hunter2" https://example.com`},
		{"sh", "-c", "PGPASSWORD=hunter2 psql"},
	} {
		if got := strings.Join(Redact(args), " "); strings.Contains(got, "hunter2") || strings.Contains(got, "abcdefgh1234") {
			t.Errorf("%q: got %s", args, got)
		}
	}
	if got := Redact(slices.Repeat([]string{strings.Repeat("x", 1000)}, 1000)); len(got) != mostArgs+1 || len(got[0]) > mostArg+3 {
		t.Errorf("%d arguments, the first has %d bytes", len(got), len(got[0]))
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("--password", "s3cr3t-value", "x")
	f.Add("-H", "Authorization: Basic abc", "\xff")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		got := Redact([]string{"tool", a, b, c})
		if len(got) != 4 || got[0] != "tool" {
			t.Fatalf("got %q", got)
		}
		if again := Redact([]string{"tool", "--password", "s3cr3t" + c}); strings.Contains(strings.Join(again, " "), "s3cr3t") {
			t.Fatalf("got %q", again)
		}
	})
}

const id = "3f1c0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"

func TestContainerOfCgroup(t *testing.T) {
	for path, want := range map[string]string{
		"/system.slice/docker-" + id + ".scope":                               id,
		"/docker/" + id:                                                       id,
		"/docker/" + id + "/init.scope":                                       id,
		"/machine.slice/libpod-" + id + ".scope/container":                    id,
		"/machine.slice/libpod-conmon-" + id + ".scope":                       "",
		"/user.slice/user-1000.slice/user@1000.service/libpod-" + id:          id,
		"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope": id,
		"/kubepods/burstable/pod1/" + id:                                      id,
		"/system.slice/bot.service":                                           "",
		"/":                                                                   "",
		"/docker/" + id + "0":                                                 "",
	} {
		if got := Container(path); got != want {
			t.Errorf("%s: got %q", path, got)
		}
	}
}

func TestCgroupOf(t *testing.T) {
	for text, want := range map[string]string{
		"0::/system.slice/bot.service\n":                              "/system.slice/bot.service",
		"12:memory:/docker/x\n1:name=systemd:/docker/x\n0::/\n":       "/docker/x",
		"12:memory:/\n1:name=systemd:/user.slice\n0::/user.slice/a\n": "/user.slice/a",
		"1:name=systemd:/\n0::/\n":                                    "/",
		"":                                                            "",
		"x\n0::\n":                                                    "",
	} {
		if got := CgroupOf(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestChildrenOfMillisecondsAreKnown(t *testing.T) {
	table := NewTable("/proc", nil)
	self := os.Getpid()
	me := table.Of(self)
	if me.Exe == "" || me.PID != self || me.UID != os.Getuid() {
		t.Skipf("no /proc here: %v", me)
	}
	const child, grandchild = 1 << 30, 1<<30 + 1 // no kernel has such
	table.Forked(self, child, 7, 0)
	table.Executed(child, self, 7, 0, "/no/such/shell", []string{"sh", "-c", "x"})
	table.Forked(child, grandchild, 7, 0)
	table.Executed(grandchild, child, 7, 0, "/no/such/curl", []string{"curl", "--token", "abc"})
	table.Exited(grandchild, time.Unix(1000, 0))
	table.Exited(child, time.Unix(1000, 0))
	got := table.Of(grandchild)
	if got.Exe != "/no/such/curl" || got.UID != 7 || got.Args[2] != hidden || got.Parents[0] != "/no/such/shell" || got.Parents[1] != me.Exe {
		t.Errorf("got %+v", got)
	}
	if got.Cgroup != me.Cgroup {
		t.Errorf("its cgroup is %q, that of its parent %q", got.Cgroup, me.Cgroup)
	}
	if again := table.Of(grandchild); again != got {
		t.Error("it is another one when it is asked for again")
	}
	table.Exited(self, time.Unix(2000, 0))
	if got := table.Of(grandchild); got.Exe != "" {
		t.Errorf("long after its end it is still %v", got)
	}
}

func TestFindCgroups(t *testing.T) {
	path := t.TempDir() + "/mountinfo"
	text := "30 22 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n40 30 0:37 / /sys/fs/cgroup/uni\\040fied rw shared:9 - cgroup2 cgroup2 rw\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := FindCgroups(path); err != nil || c.Mount() != "/sys/fs/cgroup/uni fied" {
		t.Errorf("got %v, %v", c, err)
	}
	if err := os.WriteFile(path, []byte("30 22 0:27 / /sys rw - sysfs x rw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := FindCgroups(path); err == nil {
		t.Error("there is none")
	}
}
