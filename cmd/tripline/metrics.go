package main

import (
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are what enforce counts for whoever scrapes it. The values of labels are
// of sets that the configuration or the program bounds: agents, sources, sinks,
// kinds. Never a destination: an attacker would choose how many there are. The zero
// value counts nothing. Safe for concurrent use.
type metrics struct {
	registry *prometheus.Registry

	flows    counter // agent, verdict
	bytes    counter // direction: up or down
	alerts   counter // kind, severity
	records  counter // source
	unread   counter // source
	lost     counter // source, reason: gap, dropped or missing
	reloads  counter // result: accepted or rejected
	failures counter // sink
	sent     counter // sink

	lastEvent gauge // source: seconds since 1970
	silence   gauge // source: seconds of silence from which on it is a finding
	queue     gauge // sink: alerts that wait
	named     gauge // no label: share of flows with a name
	rules     gauge // agent: destinations that the approved baseline admits
	novelty   gauge // agent: most hours in a hundred that may bring something new, as foretold
	free      gauge // place: bytes left for tripline
	ranges    gauge // no label: seconds since 1970, when ranges were taken in last
	trouble   gauge // check: 1 while it fails
}

// A counter only grows. A gauge is what it was set to last. Both take the values of
// their labels in the order they were declared in; nil ones do nothing.
type (
	counter struct{ vec *prometheus.CounterVec }
	gauge   struct{ vec *prometheus.GaugeVec }
)

func (c counter) add(n uint64, labels ...string) {
	if c.vec != nil {
		c.vec.WithLabelValues(labels...).Add(float64(n))
	}
}

func (g gauge) set(v float64, labels ...string) {
	if g.vec != nil {
		g.vec.WithLabelValues(labels...).Set(v)
	}
}

func newMetrics() metrics {
	m := metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.flows = m.counter("flows_total", "Flows of agents by verdict.", "agent", "verdict")
	m.bytes = m.counter("bytes_total", "Bytes of flows of agents, where the source counts them.", "direction")
	m.alerts = m.counter("alerts_total", "Alerts and findings that were raised.", "kind", "severity")
	m.records = m.counter("records_total", "Records that were read, of interest or not.", "source")
	m.unread = m.counter("parse_errors_total", "Records that could not be read.", "source")
	m.lost = m.counter("lost_total", "What never reached tripline: gaps between files, records dropped, sequence numbers missing.", "source", "reason")
	m.reloads = m.counter("config_reloads_total", "Times that the configuration was read again.", "result")
	m.failures = m.counter("notify_failures_total", "Attempts to send alerts that failed.", "sink")
	m.sent = m.counter("notify_sent_total", "Alerts that a sink has taken.", "sink")
	m.lastEvent = m.gauge("last_event_timestamp_seconds", "When the last record of a source came.", "source")
	m.silence = m.gauge("silence_limit_seconds", "How long a source may be silent now, by its learned rhythm.", "source")
	m.queue = m.gauge("queue_depth", "Alerts that wait to be sent.", "sink")
	m.named = m.gauge("name_resolved_ratio", "Share of the flows of agents whose name is known.")
	m.rules = m.gauge("baseline_destinations", "Destinations that the approved baseline admits.", "agent")
	m.novelty = m.gauge("baseline_novelty_upper_ratio", "Upper bound of the share of hours with something new, as foretold at approval.", "agent")
	m.free = m.gauge("disk_free_bytes", "Bytes left on the file system of what tripline writes.", "place")
	m.ranges = m.gauge("ranges_updated_timestamp_seconds", "When published ranges were taken in last.")
	m.trouble = m.gauge("trouble", "Whether a check of /healthz fails now.", "check")
	m.gauge("build_info", "What was built.", "version", "goversion").set(1, plainVersion(), runtime.Version())
	return m
}

func (m *metrics) counter(name, help string, labels ...string) counter {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "tripline", Name: name, Help: help}, labels)
	m.registry.MustRegister(vec)
	return counter{vec}
}

func (m *metrics) gauge(name, help string, labels ...string) gauge {
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "tripline", Name: name, Help: help}, labels)
	m.registry.MustRegister(vec)
	return gauge{vec}
}

// plainVersion is the version without what version adds in brackets.
func plainVersion() string {
	text, _, _ := strings.Cut(version(), " (")
	return text
}
