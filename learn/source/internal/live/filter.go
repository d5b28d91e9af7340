//go:build linux

package live

import "golang.org/x/net/bpf"

// etherTypes are what the kernel hands over: IPv4, IPv6, VLAN, QinQ, MPLS, PPPoE.
var etherTypes = []uint32{0x0800, 0x86dd, 0x8100, 0x88a8, 0x8847, 0x8864}

// filter is the program that the kernel runs on each packet. It asks the kernel
// for the protocol, so that it is the same on every link layer.
func filter() ([]bpf.RawInstruction, error) {
	program := []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtProto}}
	for i, kind := range etherTypes {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: kind, SkipTrue: uint8(len(etherTypes) - i)})
	}
	program = append(program, bpf.RetConstant{Val: 0}, bpf.RetConstant{Val: snapLength})
	return bpf.Assemble(program)
}
