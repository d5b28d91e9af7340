package store

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"tripline/learn"
)

// Blocks as they were written before flows had payloads: one plain, with a process,
// and one compressed.
const (
	plainUnhashed = "02000380cabeae0dc0a9d33a80cabeae0dc0efd04f0372756ea1010503626f740004696762300a313030303030303130331c540e0d2f7573722f62696e2f6375726c00000002046375726c0178000604c000020004c633000304c000020104c633000104c000020304c6330000c0843d0780cabeae0d0000057b8301a701030000000301010103020202030303030300020403010305069ac18e2f4ac806bb01bb01bb01030606060300000003000000030000000300000003000500571e6e86"
	zstdUnhashed  = "02013c80cabeae0dc0a9d33a8acabeae0dc0f4b6df020372756e8f0928b52ffd608f03a50e00825d6944f0d404006803bce8c7984a20a49c5fd67ee3e6215b0a3670068224db951ed9dbc56cc5fb91f98e14028b378414da3872c27e3a7ee9f52f30321ccad37ca2efbd77df7b0f193366cce8515dea5297ba6e9218c460cf818b8d179813356213084f451d5032afa6a31941258a08d02058b2d1f0c2c3ca12a316a5042a5bcc0b4fca0f9380032c1c569c2a24e9540b23323a84c28254031920602c2676443c8d38a9e101c484042bd53301c386a09d181498940c2b548854170a2c45d8505631052e363506707c5878a06304e3e6bdd687fd107e3fd80f61bf860a1bfebff6abc2ffd7fd9e367c7d7d85ff5abf9f46e64df6f4cc64ce6567e6655ef7f4657676f774f64ccee4f5cd74e65de7cdf8e2468d193bc6413807b7b669bbe5d1d5c917f99727b90adfba876fbc182b44598fe4485c889d18e9e1581abaa95ec989fad54078e8e56c8ff5d1d50fb912dfbad52e38c51259218549f8237ed44cedd33acd825b8fb52cdda13fbae1a8727337330700e9f881a22595c36d6a1d736a1def26c7995ac76f93634dad63dde4f8a5d6716e720c40cb5059966559860a90cd7ca0e1548598791c11000112069030808401240c9c84f96d2595001206903070125e8101e4ec85290e980db86e89b6e218a4e6a2f32cc386"
)

func TestBlocksBeforePayloadsAreRead(t *testing.T) {
	var c codec
	few := log(3, 5)
	few[1].Process = &learn.Process{PID: 42, UID: 7, Exe: "/usr/bin/curl", Args: []string{"curl", "x"}}
	blocks := map[string][]learn.Flow{plainUnhashed: few, zstdUnhashed: log(60, 5)}
	readBlocks(t, blocks)
	for _, flows := range blocks {
		if again := blockOf(t, &c, "run", flows); again[0] != 2 {
			t.Errorf("without a payload a block of version %d is written: older programs cannot read it", again[0])
		}
	}
}

// hashed is a payload with all that one can have.
func hashed() *learn.Payload {
	sum := learn.Sum{1, 31: 255}
	return &learn.Payload{First: 1 << 16, More: 7, Stopped: "not HTTP\xff", Exchanges: []learn.Exchange{
		{}, {Up: &learn.Body{Bytes: 1 << 40, SHA256: sum}}, {Down: &learn.Body{Bytes: 1, Cut: true}}, {Up: &learn.Body{Cut: true}, Down: &learn.Body{SHA256: sum}},
	}}
}

func TestPayloadsAreKeptBesideFlowsWithout(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	flows := log(5, 5)
	flows[1].Payload, flows[3].Payload = hashed(), &learn.Payload{First: 1}
	if err := s.Commit(Batch{Run: "run", At: time.Unix(1, 0), Flows: flows}); err != nil {
		t.Fatal(err)
	}
	i := 0
	for got, err := range s.Flows("bot") {
		if err != nil || !reflect.DeepEqual(got, flows[i]) {
			t.Errorf("got %+v, %v, want %+v", got, err, flows[i])
		}
		i++
	}
	if err := s.Check(); err != nil || i != len(flows) {
		t.Errorf("%d flows, %v", i, err)
	}
}

func TestPayloadThatCannotBeReadAgainIsRefused(t *testing.T) {
	var c codec
	for _, p := range []*learn.Payload{{Exchanges: make([]learn.Exchange, maxExchanges+1)}, {Stopped: string(make([]byte, maxText))}} {
		if _, err := pack(&c, "run", []learn.Flow{{Agent: "a", Payload: p}}); err == nil {
			t.Errorf("%d exchanges and %d bytes were packed", len(p.Exchanges), len(p.Stopped))
		}
	}
}
