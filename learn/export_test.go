package learn

// Size returns how many addresses are remembered, of all clients.
func (n *Namer) Size() int { return n.size }
