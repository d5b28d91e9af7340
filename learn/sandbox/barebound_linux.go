package sandbox

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"tripline/learn"
)

// bound returns the sockets that take what comes to a port of the loopback (proc(5),
// /proc/net/tcp).
func bound(proto learn.Proto, to netip.AddrPort) (inodes []uint32) {
	files, listening := []string{"tcp", "tcp6"}, "0A"
	if proto != learn.TCP {
		files, listening = []string{"udp", "udp6"}, ""
	}
	for _, name := range files {
		text, err := os.ReadFile("/proc/self/net/" + name)
		if err != nil {
			continue
		}
		for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
			// sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
			fields := strings.Fields(s.Text())
			if len(fields) < 10 || !strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", to.Port())) || listening != "" && fields[3] != listening {
				continue
			}
			if inode, err := strconv.ParseUint(fields[9], 10, 32); err == nil {
				inodes = append(inodes, uint32(inode))
			}
		}
	}
	return inodes
}
