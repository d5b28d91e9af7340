package store

// A column is one field of all flows in a block. Fields of one kind lie side by
// side because that compresses to half of what records do.
type column uint8

// The columns in the order they are written. New ones go to the end, with a new
// version of the block.
const (
	colSecond column = iota // zigzag varint: seconds since the flow before
	colNanos                // uvarint: nanoseconds in units of the block
	colAgent                // uvarint into the texts, as are the next three
	colName
	colInterface
	colRule
	colSrc // uvarint into the addresses
	colDst
	colSrcPort // two bytes, little-endian
	colDstPort
	colProto // one byte, as are the next two
	colAction
	colEvidence
	colUp // uvarint
	colDown
	colProcess // uvarint: 0, or one more than a number of a text; empty if no flow has a process
	colPayload // text, empty for none; no column if no flow has a payload
	columns    // how many there are
)

const (
	blockVersion  = 3
	firstColumns  = colProcess // how many a block of version 1 has
	secondColumns = colPayload // and one of version 2
	codecPlain    = 0
	codecZstd     = 1

	maxFlows = 64 << 10 // in a block
	maxText  = 1 << 20  // bytes of one name, interface, rule, agent, process or payload
	fullDict = 16 << 20 // bytes of texts after which a block is closed
	maxBody  = 32 << 20 // bytes of a plain body; no block comes near
)
