//go:build 386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64

package bpf

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// A Handle is the programs while they run. It is not for concurrent use.
type Handle struct {
	objects observeObjects
	links   []link.Link
	reader  *ringbuf.Reader
	record  ringbuf.Record
	offset  int64 // from the monotonic clock to 1970
	set     time.Time
	unread  uint64 // records that could not be understood
	sends   bool   // the kernel tells of what is sent by sockets that are connected
}

// Open loads the programs and lets them run. Cgroup is where the tree of cgroups of
// version 2 is mounted, or one of them: whose datagrams are told of.
func Open(cgroup string) (*Handle, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, fmt.Errorf("types of the kernel: %w", err)
	}
	var point *btf.Typedef
	return open(cgroup, kernel.TypeByName("btf_trace_sock_send_length", &point) == nil)
}

// open does; sends says whether the kernel tells of what is sent (Linux 6.3).
func open(cgroup string, sends bool) (*Handle, error) {
	h := &Handle{sends: sends}
	if err := h.load(); err != nil {
		return nil, permitted(err)
	}
	if err := h.attach(cgroup); err != nil {
		return nil, errors.Join(permitted(err), h.Close())
	}
	var err error
	if h.reader, err = ringbuf.NewReader(h.objects.Events); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// load gives the programs to the kernel. Where it does not tell of what is sent,
// another program is in the place of the one for that, and never runs.
func (h *Handle) load() error {
	spec, err := loadObserve()
	if err != nil {
		return err
	}
	if h.sends {
		err = spec.Variables["sends"].Set(uint32(1))
	} else {
		spec.Programs["sent"] = spec.Programs["exited"].Copy()
	}
	return errors.Join(err, spec.LoadAndAssign(&h.objects, nil))
}

func permitted(err error) error {
	if _, ok := errors.AsType[*ebpf.VerifierError](err); ok {
		return fmt.Errorf("this kernel does not take the programs: %w", err)
	}
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return ErrRight
	}
	return err
}

func (h *Handle) attach(cgroup string) error {
	for _, a := range []struct {
		program *ebpf.Program
		as      ebpf.AttachType
	}{
		{h.objects.Connect4, ebpf.AttachCGroupInet4Connect},
		{h.objects.Connect6, ebpf.AttachCGroupInet6Connect},
		{h.objects.Sendmsg4, ebpf.AttachCGroupUDP4Sendmsg},
		{h.objects.Sendmsg6, ebpf.AttachCGroupUDP6Sendmsg},
		{h.objects.Recvmsg4, ebpf.AttachCGroupUDP4Recvmsg},
		{h.objects.Recvmsg6, ebpf.AttachCGroupUDP6Recvmsg},
	} {
		l, err := link.AttachCgroup(link.CgroupOptions{Path: cgroup, Attach: a.as, Program: a.program})
		if err != nil {
			return fmt.Errorf("cgroup %s: %w", cgroup, err)
		}
		h.links = append(h.links, l)
	}
	points := []*ebpf.Program{h.objects.Forked, h.objects.Executed, h.objects.Exited, h.objects.SetState}
	if h.sends {
		points = append(points, h.objects.Sent)
	}
	for _, p := range points {
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err != nil {
			return fmt.Errorf("tracepoint: %w", err)
		}
		h.links = append(h.links, l)
	}
	return nil
}

// Next returns the next record; ok is false if there is none now.
func (h *Handle) Next(r *Record) (ok bool, err error) {
	for {
		h.reader.SetDeadline(time.Unix(1, 0)) // do not wait: nobody wakes us
		err := h.reader.ReadInto(&h.record)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if err := decode(h.record.RawSample, h.clock(), r); err != nil {
			h.unread++
			continue
		}
		return true, nil
	}
}

// clock returns how far 1970 is from the monotonic clock, which is looked at again
// every second: the other one may be set.
func (h *Handle) clock() int64 {
	if now := time.Now(); now.Sub(h.set) > time.Second || h.offset == 0 {
		var t unix.Timespec
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) == nil {
			h.offset, h.set = now.UnixNano()-t.Nano(), now
		}
	}
	return h.offset
}

// Lost is how many records had no room.
func (h *Handle) Lost() int64 {
	var n uint64
	if h.objects.Lost.Get(&n) != nil {
		return int64(h.unread)
	}
	return int64(n + h.unread)
}

// Close ends the programs.
func (h *Handle) Close() (err error) {
	for _, l := range h.links {
		err = errors.Join(err, l.Close())
	}
	if h.reader != nil {
		err = errors.Join(err, h.reader.Close())
	}
	return errors.Join(err, h.objects.Close())
}
