package sandbox

import (
	"strings"
	"testing"
)

func TestTraceParent(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for text, want := range map[string]string{
		good: good, "cc" + good[2:] + "-what-comes-later": "cc" + good[2:], "": "", "ff" + good[2:]: "", good + "-more": "", good + "\n": "", "cc" + good[2:] + "x": "",
		strings.ToUpper(good): "", good[:54]: "", "00-00000000000000000000000000000000-b7ad6b7169203331-01": "", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": "",
		"\x1b[31m" + good: "", strings.Repeat("0", 300): "",
	} {
		if got := traceOf(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A program that calls itself what the first process inside is called hides no parents.
func TestParentsThatHideAreKnown(t *testing.T) {
	tool(t, "curl")
	eachWay(t, func(t *testing.T, u user, tr trial) {
		tr.Refuse = true
		_, out := u.run(t, tr, "sh", "-c", `echo "curl -s http://203.0.113.5/; true" > `+argInit+`; sh `+argInit+` x y; true`)
		if len(out.Flows) != 1 || out.Flows[0].Process == nil || len(out.Flows[0].Process.Parents) != 2 {
			t.Errorf("got %+v", out)
		}
	})
}

// Whose a connection is, is known where the first thread of a process has ended, and
// where a process runs another program than a moment ago.
func TestProcessesThatChangeAreKnown(t *testing.T) {
	tool(t, "python3")
	tool(t, "curl")
	for _, bare := range []bool{false, true} {
		eachUser(t, func(t *testing.T, u user) {
			tr := trial{Bare: bare, Refuse: true}
			_, out := u.run(t, tr, "python3", "-c", `
import os, socket
try: socket.create_connection(("203.0.113.5", 80))
except OSError: os.execvp("curl", ["curl", "-s", "--max-time", "9", "http://203.0.113.5:81/"])
`)
			for _, f := range out.Flows {
				if want := map[uint16]string{80: "/python", 81: "/curl"}[f.DstPort]; f.Process == nil || !strings.Contains(f.Process.Exe, want) {
					t.Errorf("without namespaces %v: port %d is of %+v", bare, f.DstPort, f.Process)
				}
			}
			if len(out.Flows) != 2 {
				t.Errorf("without namespaces %v: got %+v", bare, out)
			}
			_, out = u.run(t, tr, "python3", "-c", `
import ctypes, platform, socket, threading, time
def later():
    while open("/proc/self/stat").read().rsplit(")", 1)[1].split()[0] != "Z": time.sleep(0.01)
    try: socket.create_connection(("203.0.113.5", 80))
    except OSError: pass
    ctypes.CDLL(None)._exit(0)
threading.Thread(target=later).start()
ctypes.CDLL(None).syscall({"x86_64": 60}.get(platform.machine(), 93), 0) # ends this thread alone
`)
			if len(out.Flows) != 1 || out.Flows[0].Process == nil || !strings.Contains(out.Flows[0].Process.Exe, "/python") {
				t.Errorf("without namespaces %v: without its first thread: got %+v", bare, out)
			}
		})
	}
}
