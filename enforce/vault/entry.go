package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// An Entry is a line of the audit log: a request, or the response to it.
//
//	{"time":"2026-03-02T10:00:00.1Z","type":"request","auth":{"accessor":"hmac-sha256:aa","display_name":"approle",
//	 "policy_results":{"allowed":true}},"request":{"id":"3f..","path":"secret/data/a","remote_address":"192.0.2.50","remote_port":40001}}
//
// https://developer.hashicorp.com/vault/docs/audit/schema
type Entry struct {
	Time     time.Time
	Response bool
	ID       string // of the request
	Remote   netip.AddrPort
	Token    Token
	Allowed  bool // the policy allowed it, and there was no error
	Path     string
}

// A Token is whose a request was; the zero value is nobody's.
type Token struct {
	Accessor    string // hashed
	DisplayName string
	EntityID    string
	Role        string
}

// Errors of [Parse].
var (
	errEntry  = errors.New("want an object with time, type and request")
	errRemote = errors.New("invalid remote_address or remote_port")
)

// ErrInternal is returned for what no connection asked for: the vault itself does so
// when it starts.
var ErrInternal = errors.New("no remote_address: the vault's own")

type entryDoc struct {
	Time string `json:"time"`
	Type string `json:"type"`
	Auth struct {
		Accessor      string         `json:"accessor"`
		DisplayName   string         `json:"display_name"`
		EntityID      string         `json:"entity_id"`
		Metadata      map[string]any `json:"metadata"`
		PolicyResults *struct {
			Allowed bool `json:"allowed"`
		} `json:"policy_results"`
	} `json:"auth"`
	Request struct {
		ID            string `json:"id"`
		Path          string `json:"path"`
		RemoteAddress string `json:"remote_address"`
		RemotePort    int    `json:"remote_port"`
	} `json:"request"`
	Error string `json:"error"`
}

// Parse reads a line. What the two programs have beside the fields that are needed
// is ignored.
func Parse(line []byte) (Entry, error) {
	var d entryDoc
	if err := json.Unmarshal(line, &d); err != nil {
		return Entry{}, errEntry
	}
	at, err := time.Parse(time.RFC3339Nano, d.Time)
	if err != nil || d.Request.ID == "" || d.Type != "request" && d.Type != "response" {
		return Entry{}, errEntry
	}
	if d.Request.RemoteAddress == "" {
		return Entry{}, ErrInternal
	}
	addr, err := netip.ParseAddr(d.Request.RemoteAddress)
	if err != nil || d.Request.RemotePort <= 0 || d.Request.RemotePort > 65535 {
		return Entry{}, fmt.Errorf("request %s: %w", d.Request.ID, errRemote)
	}
	e := Entry{
		Time: at.UTC(), Response: d.Type == "response", ID: d.Request.ID, Path: d.Request.Path,
		Remote: netip.AddrPortFrom(addr.Unmap().WithZone(""), uint16(d.Request.RemotePort)),
		Token:  Token{Accessor: d.Auth.Accessor, DisplayName: d.Auth.DisplayName, EntityID: d.Auth.EntityID},
	}
	if role, ok := d.Auth.Metadata["role"].(string); ok {
		e.Token.Role = role
	} else if role, ok := d.Auth.Metadata["role_name"].(string); ok {
		e.Token.Role = role
	}
	e.Allowed = e.Token.Accessor != "" && d.Auth.PolicyResults != nil && d.Auth.PolicyResults.Allowed && d.Error == ""
	return e, nil
}

// String names a token as far as it is known.
func (t Token) String() string {
	var parts []string
	for _, p := range []struct{ key, value string }{{"display_name", t.DisplayName}, {"role", t.Role}, {"entity_id", t.EntityID}} {
		if p.value != "" {
			parts = append(parts, p.key+" "+p.value)
		}
	}
	if len(parts) == 0 {
		return "an unnamed token"
	}
	return strings.Join(parts, ", ")
}
