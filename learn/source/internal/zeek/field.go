package zeek

// A Kind is which of Zeek's logs a line is of.
type Kind uint8

// The kinds. Unread is any of the logs that hold nothing of interest.
const (
	Unread Kind = iota
	Conn
	DNS
	SSL
	QUIC
	HTTP
)

// kindOf returns the kind of a log by the name that Zeek gives it.
func kindOf(path string) Kind {
	switch path {
	case "conn":
		return Conn
	case "dns":
		return DNS
	case "ssl":
		return SSL
	case "quic":
		return QUIC
	case "http":
		return HTTP
	}
	return Unread
}

// A field is a value that is looked at; none is any other.
type field uint8

const (
	none field = iota
	path
	ts
	uid
	origHost
	origPort
	respHost
	respPort
	proto
	ipProto
	connState
	origBytes
	respBytes
	localOrig
	localResp
	query
	qtype
	rcode
	rejected
	rtt
	answers
	ttls
	serverName
	version
	host
	method
	uri
	isSSL // fields that only one kind of log has
	isQUIC
	isHTTP
	fields // how many there are
)

// fieldNames are what Zeek calls the fields, also where it is told to write the
// identity of a connection without dots.
var fieldNames = map[string]field{
	"_path": path, "@path": path,
	"ts": ts, "uid": uid,
	"id.orig_h": origHost, "id_orig_h": origHost, "src": origHost,
	"id.orig_p": origPort, "id_orig_p": origPort, "src_port": origPort,
	"id.resp_h": respHost, "id_resp_h": respHost, "dst": respHost,
	"id.resp_p": respPort, "id_resp_p": respPort, "dst_port": respPort,
	"proto": proto, "ip_proto": ipProto,
	"conn_state": connState, "orig_bytes": origBytes, "resp_bytes": respBytes, "local_orig": localOrig, "local_resp": localResp,
	"query": query, "qtype": qtype, "rcode": rcode, "rejected": rejected, "rtt": rtt, "answers": answers, "TTLs": ttls,
	"server_name": serverName, "version": version, "established": isSSL, "resumed": isSSL,
	"client_initial_dcid": isQUIC,
	"host":                host, "method": method, "uri": uri, "request_body_len": isHTTP,
}

// known says by which field a kind of log is known, where its name is not told.
var known = [...]struct {
	field field
	kind  Kind
}{{connState, Conn}, {rejected, DNS}, {isQUIC, QUIC}, {isSSL, SSL}, {isHTTP, HTTP}}
