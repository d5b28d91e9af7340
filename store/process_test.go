package store

import (
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"tripline/learn"
)

// Blocks as they were written before flows had processes: one plain, one
// compressed.
const (
	plainBefore = "01000309019638010372756e81010403626f740f6170692e6578616d706c652e636f6d00017902001020010db800000000000000000000000101040900a03803010101030000030301010203020202030202020300000003010100060000000000000600000000000003c8c80003070700038383001580808080808080808001808080808080808080010003010100a3690796"
	zstdBefore  = "01013c80cabeae0dc0a9d33a8acabeae0dc0f4b6df020372756e8e0928b52ffd608e03a50e00825d6944f0d404006803bce8c7984a20a49c5fd67ee3e6215b0a3670068224db951ed9dbc56cc5fb91f98e14028b378414da3872c27e3a7ee9f52f30321ccad37ca2efbd77df7b0f193366cce8515dea5297ba6e9218c460cf818b8d179813356213084f451d5032afa6a31941258a08d02058b2d1f0c2c3ca12a316a5042a5bcc0b4fca0f9380032c1c569c2a24e9540b23323a84c28254031920602c2676443c8d38a9e101c484042bd53301c386a09d181498940c2b548854170a2c45d8505631052e363506707c5878a06304e3e6bdd687fd107e3fd80f61bf860a1bfebff6abc2ffd7fd9e367c7d7d85ff5abf9f46e64df6f4cc64ce6567e6655ef7f4657676f774f64ccee4f5cd74e65de7cdf8e2468d193bc6413807b7b669bbe5d1d5c917f99727b90adfba876fbc182b44598fe4485c889d18e9e1581abaa95ec989fad54078e8e56c8ff5d1d50fb912dfbad52e38c51259218549f8237ed44cedd33acd825b8fb52cdda13fbae1a8727337330700e9f881a22595c36d6a1d736a1def26c7995ac76f93634dad63dde4f8a5d6716e720c40cb5059966559860a90cd7ca0e1548598791c11000012069030808401240c9c84f96d2595001206903070125e8101e4ec85290e980db86e89b6e218a4e6a2d4632cd8"
)

func TestBlocksBeforeProcessesAreRead(t *testing.T) {
	odd := seedFlow()
	readBlocks(t, map[string][]learn.Flow{
		plainBefore: {odd, odd, {Agent: "y", Time: odd.Time.Add(time.Hour)}},
		zstdBefore:  log(60, 5),
	})
}

// readBlocks reads the flows of blocks of a run.
func readBlocks(t *testing.T, blocks map[string][]learn.Flow) {
	t.Helper()
	var c codec
	for text, want := range blocks {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		h, got, err := flowsOf(&c, b, nil)
		if err != nil || h.run != "run" || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v of run %q, %v, want %v", got, h.run, err, want)
		}
	}
}

func TestFlowsOfOneProcessShareIt(t *testing.T) {
	var c codec
	who := &learn.Process{PID: 42, Exe: "/usr/bin/curl"}
	flows := []learn.Flow{{Agent: "a"}, {Agent: "a", Process: who}, {Agent: "a", Process: &learn.Process{PID: 42, Exe: "/usr/bin/curl"}}}
	_, got, err := flowsOf(&c, blockOf(t, &c, "run", flows), nil)
	if err != nil || got[0].Process != nil || got[1].Process == nil || got[1].Process != got[2].Process {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestProcessThatCannotBeReadAgainIsRefused(t *testing.T) {
	var c codec
	for _, p := range []*learn.Process{{Args: make([]string, maxArgs+1)}, {Exe: string(make([]byte, maxText+1))}} {
		if _, err := pack(&c, "run", []learn.Flow{{Agent: "a", Process: p}}); err == nil {
			t.Errorf("%d arguments and %d bytes were packed", len(p.Args), len(p.Exe))
		}
	}
}
