package sandbox

import (
	"bytes"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The inner end of a veth leaves to the wire what a card would do. There is no card:
// checksums nobody reads, so that may stay; but what is larger than a packet would
// never be cut, and datagrams that are sent as one would stay one.

// mostFeatures is how many of an interface are looked at; Linux 6.18 has 60.
const mostFeatures = 256

// featureNames is struct ethtool_gstrings.
type featureNames struct {
	command, set, n uint32
	names           [mostFeatures][32]byte
}

// featureValues is struct ethtool_sfeatures.
type featureValues struct {
	command, blocks uint32
	values          [mostFeatures / 32]struct{ valid, requested uint32 }
}

// cut has an interface do all cutting of packets itself.
func cut(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	const setOfFeatures = 4
	all := featureNames{command: unix.ETHTOOL_GSTRINGS, set: setOfFeatures, n: 0}
	if errno := ethtool(fd, name, unsafe.Pointer(&all)); errno != 0 { //nolint:gosec // G103: how an ioctl takes its argument
		return errno
	}
	off := featureValues{command: unix.ETHTOOL_SFEATURES, blocks: (min(all.n, mostFeatures) + 31) / 32}
	for i := range min(all.n, mostFeatures) {
		text, _, _ := bytes.Cut(all.names[i][:], []byte{0})
		if f := string(text); strings.HasPrefix(f, "tx-") && (strings.HasSuffix(f, "-segmentation") || f == "tx-gso-list") {
			off.values[i/32].valid |= 1 << (i % 32)
		}
	}
	if errno := ethtool(fd, name, unsafe.Pointer(&off)); errno != 0 { //nolint:gosec // G103: as above
		return errno
	}
	return nil
}

func ethtool(fd int, name string, data unsafe.Pointer) unix.Errno {
	var req struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	req.data = data
	return ioctl(fd, unix.SIOCETHTOOL, unsafe.Pointer(&req)) //nolint:gosec // G103: as above
}
