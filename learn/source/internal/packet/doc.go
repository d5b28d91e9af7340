// Package packet finds the flow a captured packet belongs to: it passes over the
// link layer and the headers of IP, puts fragments together and reads the ports.
//
// # What it promises
//
// It never panics, whatever the bytes; every packet gets a [Kind]. It allocates
// nothing for a packet that is no fragment. What fragments can hold is bounded
// in number, bytes and time, and what is dropped is counted.
//
// # What it does not do
//
// It checks no checksum: on the host that sends them they are not yet there. It
// does not look into tunnels: what the network sees is the tunnel.
package packet
