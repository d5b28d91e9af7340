package source

import (
	"tripline/learn"
)

// An attributor says who opened a connection.
type attributor interface {
	who(f *learn.Flow) *learn.Process // nil if it does not know
	look() error                      // takes in what is new
	lost() int64
	Close() error
}

// who implements [attributor].
func (k *onlooker) who(f *learn.Flow) *learn.Process {
	o := k.recent.find(f)
	if o == nil {
		return nil
	}
	o.claimed = true
	return o.Process
}

// An attributed stream is that of a source that knows no processes, with those that
// an attributor knows.
type attributed struct {
	Stream
	by attributor
}

// Next implements [Stream].
func (s *attributed) Next(r *Record) error {
	if err := s.Stream.Next(r); err != nil {
		if e := s.by.look(); e != nil {
			return e
		}
		return err
	}
	if !r.Counted || r.Process != nil {
		return nil
	}
	if err := s.by.look(); err != nil {
		return err
	}
	r.Process = s.by.who(&r.Flow)
	return nil
}

// Stats implements [Stream].
func (s *attributed) Stats() Stats {
	st := s.Stream.Stats()
	st.Dropped += s.by.lost()
	return st
}

// Close implements [Stream].
func (s *attributed) Close() error {
	err := s.by.Close()
	if e := s.Stream.Close(); err == nil {
		err = e
	}
	return err
}
