package source

import "time"

var filterlogSource = Source{
	Name:  "filterlog",
	Short: "The firewall log of pfSense and OPNsense",
	Lines: func(o Options) Parser { return &filterlogParser{} },
	Sniff: func([]byte) error { return nil },
}

type filterlogParser struct{}

func (p *filterlogParser) Parse(line []byte, newest time.Time, r *Record) error {
	*r = Record{}
	return &RecordError{Source: "filterlog", Cause: NotALog}
}
func (p *filterlogParser) State() []byte        { return nil }
func (p *filterlogParser) Restore([]byte) error { return nil }
