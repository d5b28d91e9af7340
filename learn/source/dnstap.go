package source

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"tripline/learn"
	"tripline/learn/source/internal/dnslog"
	"tripline/learn/source/internal/dnstap"
)

// What Unbound, BIND, CoreDNS, dnsdist and Knot Resolver stream of the answers
// they give (dnstap.info), over a socket that we listen at, or from a file that
// fstrm_capture wrote:
//
//	unix:///run/tripline/dnstap.sock
//	tcp://127.0.0.1:6000
//
// Of Unbound: dnstap-enable: yes, dnstap-socket-path or dnstap-ip, dnstap-tls: no
// and dnstap-log-client-response-messages: yes; dnstap-sample-rate leaves answers
// out.
var dnstapSource = Source{
	Name:  "dnstap",
	Short: "Answers as a resolver streams them: dnstap",
	Sees:  Sees{Names: true, Evidence: true, Blind: "connections; what the resolver samples or drops"},
	Speaks: Speaks{
		How: "let the resolver stream what it tells clients; of Unbound: dnstap-enable and dnstap-log-client-response-messages",
	},
	Open: openDnstap,
}

const dnstapHint = "unix:///run/tripline/dnstap.sock or tcp://127.0.0.1:6000 as the resolver's dnstap socket, or a file of fstrm_capture"

func openDnstap(path string, cursor []byte, o StreamOptions) (Stream, error) {
	if !IsAddress(path) {
		return openDnstapFile(path, cursor, o)
	}
	network, address, _ := strings.Cut(path, "://")
	if network != "unix" && network != "tcp" || network == "unix" && !strings.HasPrefix(address, "/") {
		return nil, learn.WithHint(fmt.Errorf("listen at %s: want unix:///PATH or tcp://ADDRESS:PORT", learn.Printable(path)), dnstapHint)
	}
	if !o.Follow {
		return nil, learn.WithHint(fmt.Errorf("listen at %s: what comes over a socket has no end", path), `"tripline learn" and "tripline enforce" listen with --follow`)
	}
	return listenDnstap(path, network, address)
}

// decodeTap reads one frame into r: what the resolver told a client, or else
// something that is of no use here.
func decodeTap(frame []byte, r *Record) error {
	m, err := dnstap.Decode(frame)
	if err != nil {
		*r = Record{}
		return &RecordError{Source: "dnstap", Cause: BadText}
	}
	head := dnslog.Head{Time: m.Answered}
	if head.Time.IsZero() {
		head.Time = m.Asked
	}
	if head.Time.IsZero() {
		*r = Record{}
		return &RecordError{Source: "dnstap", Field: "time", Cause: BadTime}
	}
	var a *learn.Answer
	if m.Type == dnstap.ClientResponse {
		answer, err := dnslog.Message(m.Response)
		if err != nil {
			*r = Record{}
			return &RecordError{Source: "dnstap", Field: "response_message", Cause: BadText}
		}
		a = &answer
	}
	told(r, head, m.Client, a)
	if r.Dst, r.SrcPort = m.Resolver, m.Port; m.TCP {
		r.Proto = learn.TCP
	}
	return nil
}

// endOfTap says what is wrong with a stream that cannot be read on.
func endOfTap(where string, err error) error {
	switch {
	case errors.Is(err, dnstap.ErrNoFrames), errors.Is(err, dnstap.ErrContent):
		return learn.WithHint(fmt.Errorf("read %s: %w", where, err), dnstapHint)
	case errors.Is(err, net.ErrClosed):
		return nil
	}
	return fmt.Errorf("read %s: %w", where, err)
}
