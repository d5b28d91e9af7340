package learn

import (
	"net/netip"
	"time"

	"gopkg.in/yaml.v3"
)

// A Vault says where Vault or OpenBao is, and where its audit log.
type Vault struct {
	Address netip.AddrPort
	Audit   string        // the file, followed across rotation
	Settle  time.Duration // for how long a connection may wait for its requests
	Agents  map[string]VaultIdentity
}

// A VaultIdentity is how the audit log calls an agent: all that is set must hold.
type VaultIdentity struct {
	DisplayName string `yaml:"display_name"`
	Role        string `yaml:"role"`
	EntityID    string `yaml:"entity_id"`
	Accessor    string `yaml:"accessor"` // as the audit device hashes it
}

type vaultDoc struct {
	Address string                   `yaml:"address"`
	Audit   string                   `yaml:"audit"`
	Settle  string                   `yaml:"settle"`
	Agents  map[string]VaultIdentity `yaml:"agents"`
}

// defaultSettle is longer than a log is behind.
const defaultSettle = 30 * time.Second

func (d *configDoc) vault(c *Config, node *yaml.Node) error {
	if d.Vault == nil {
		return nil
	}
	v := &Vault{Audit: d.Vault.Audit, Settle: defaultSettle, Agents: d.Vault.Agents}
	addr, err := netip.ParseAddrPort(d.Vault.Address)
	if err != nil {
		return at(node, "vault", "address").errorf("%q: want an address and a port, such as 192.0.2.10:8200", Printable(d.Vault.Address))
	}
	v.Address = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if v.Audit == "" {
		return at(node, "vault").errorf("want audit, the file of the audit log")
	}
	if d.Vault.Settle != "" {
		if v.Settle, err = time.ParseDuration(d.Vault.Settle); err != nil || v.Settle < 0 || v.Settle > time.Hour {
			return at(node, "vault", "settle").errorf("%q: want up to an hour, such as 30s", Printable(d.Vault.Settle))
		}
	}
	for name, id := range v.Agents {
		if id == (VaultIdentity{}) {
			return at(node, "vault", "agents", name).errorf("want display_name, role, entity_id or accessor")
		}
	}
	c.Vault = v
	return nil
}
