package netflow

import (
	"bytes"
	"encoding/binary"

	goflow "github.com/netsampler/goflow2/v2/decoders/netflow"
)

// templates learns from a template set. What was read before an error counts.
func (d *Decoder) templates(body []byte) {
	if !fits(d.now.key.version, false, body) {
		d.lose(BadTemplate, 1)
		return
	}
	list, err := goflow.DecodeTemplateSet(d.now.key.version, bytes.NewBuffer(body))
	for _, t := range list {
		d.template(t.TemplateId, nil, t.Fields)
	}
	if err != nil {
		d.lose(BadTemplate, 1)
	}
}

func (d *Decoder) optionsTemplates(body []byte) {
	if !fits(d.now.key.version, true, body) {
		d.lose(BadTemplate, 1)
		return
	}
	var err error
	if d.now.key.version == 9 {
		var list []goflow.NFv9OptionsTemplateRecord
		list, err = goflow.DecodeNFv9OptionsTemplateSet(bytes.NewBuffer(body))
		for _, t := range list {
			d.template(t.TemplateId, scopes(t.Scopes), t.Options)
		}
	} else {
		var list []goflow.IPFIXOptionsTemplateRecord
		list, err = goflow.DecodeIPFIXOptionsTemplateSet(bytes.NewBuffer(body))
		for _, t := range list {
			d.template(t.TemplateId, scopes(t.Scopes), t.Options)
		}
	}
	if err != nil && len(body) > 4 { // four bytes are a withdrawal
		d.lose(BadTemplate, 1)
	}
}

// scopes are never nil, even where there are none.
func scopes(list []goflow.Field) []goflow.Field {
	if list == nil {
		return []goflow.Field{}
	}
	return list
}

// template keeps one, or forgets it: IPFIX withdraws by a template without
// fields.
func (d *Decoder) template(id uint16, scopes, fields []goflow.Field) {
	key := templateKey{d.now.key, id}
	if id < 256 {
		if len(fields) > 0 {
			d.lose(BadTemplate, 1)
		}
		return
	}
	if len(fields) == 0 && len(scopes) == 0 {
		d.now.from.forget(key)
		return
	}
	p := newPlan(d.now.key.version, scopes, fields)
	if p == nil || !d.now.from.learn(key, p) {
		d.now.from.forget(key)
		d.lose(BadTemplate, 1)
		return
	}
	d.ready = append(d.ready, d.now.from.ready(key, p)...)
}

// fits says whether templates have as many fields as they say. The library makes
// room for them before it looks: a megabyte for four bytes that lie.
func fits(version uint16, options bool, b []byte) bool {
	for len(b) >= 4 {
		n, head := int(binary.BigEndian.Uint16(b[2:])), 4
		if options && len(b) >= 6 {
			head = 6
			if version == 9 { // two lengths in bytes
				n = n/4 + int(binary.BigEndian.Uint16(b[4:]))/4
			} else if int(binary.BigEndian.Uint16(b[4:])) > n {
				return false
			}
		}
		var ok bool
		if b, ok = passFields(version, n, b[head:]); !ok {
			return false
		}
	}
	return true
}

// passFields returns what is behind n fields.
func passFields(version uint16, n int, b []byte) (rest []byte, ok bool) {
	if 4*n > len(b) {
		return nil, false
	}
	for range n {
		size := 4
		if version == 10 && len(b) > 0 && b[0]&0x80 != 0 {
			size = 8
		}
		if size > len(b) {
			return nil, false
		}
		b = b[size:]
	}
	return b, true
}
