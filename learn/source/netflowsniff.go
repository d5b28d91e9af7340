package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"tripline/learn"
	"tripline/learn/source/internal/netflow"
)

// nfdumpHint is what to do about the files of nfcapd: their layout is that of a
// program, which reads them.
const nfdumpHint = "let nfdump (of the package nfdump) read it: TZ=UTC nfdump -q -r FILE -o json > FILE.json, and name FILE.json here; -R DIRECTORY takes all of them"

// sniffNetflow refuses a file that is something else. An empty one is none.
func sniffNetflow(head []byte) error {
	switch {
	case len(head) < 2, netflow.Begins(head):
		return nil
	case head[0] == 0x0c && head[1] == 0xa5 || head[0] == 0xa5 && head[1] == 0x0c:
		return learn.WithHint(errors.New("a file of nfcapd, not datagrams"), nfdumpHint)
	case len(head) >= 4 && binary.BigEndian.Uint32(head) == 5:
		return learn.WithHint(errors.New("sFlow, not NetFlow or IPFIX"), "sFlow is samples of packets: let the exporter send IPFIX instead")
	case bytes.HasPrefix(head, []byte{0, 1}), bytes.HasPrefix(head, []byte{0, 7}), bytes.HasPrefix(head, []byte{0, 8}):
		return learn.WithHint(fmt.Errorf("NetFlow v%d", head[1]), "let the exporter send NetFlow v5, v9 or IPFIX")
	}
	return learn.WithHint(errors.New("neither NetFlow v5, v9 or IPFIX datagrams nor a capture of them"), `"tripline sources" lists the sources`)
}
