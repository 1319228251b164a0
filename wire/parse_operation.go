package wire

import "bridge/change"

func (p *parser) operation(op *change.Operation) {
	flags := p.u8()
	op.Kind = change.Kind(flags & maskKind)
	if op.Kind < change.Insert || op.Kind > change.Truncate {
		p.fail(newer(p.at-1, "operation kind %d", op.Kind))
		return
	}
	if flags&flagSameTable == 0 {
		p.table = nil
		if i := p.uint(); i < uint64(len(p.tables)) {
			p.table = p.tables[i]
		}
	}
	if p.table == nil {
		p.corrupt("operation names no table")
		return
	}
	op.Table, op.Key.Table = p.table.Table, p.table.TableName
	if !flagsFit(op.Kind, flags) {
		p.corrupt("operation flags that don't fit its kind")
		return
	}
	p.images(op, flags)
}

// flagsFit reports whether an operation of this kind may have these flags.
func flagsFit(k change.Kind, flags byte) bool {
	if flags&flagOldStates != 0 && flags&flagOld == 0 {
		return false
	}
	switch k {
	case change.Insert:
		return flags&flagOld == 0
	case change.Update:
		return true
	case change.Delete:
		return flags&flagNewStates == 0 && flags&(flagKey|flagOld) != 0
	default:
		return flags&(flagKey|flagOld|flagNewStates) == 0
	}
}

func (p *parser) images(op *change.Operation, flags byte) {
	var key string
	if flags&flagKey != 0 {
		if key = p.text(); key == "" {
			p.corrupt("empty key")
			return
		}
	}
	var cut string
	if op.Kind <= change.Update {
		op.New, cut = p.image(nil, flags&flagNewStates != 0)
	}
	if flags&flagOld != 0 {
		old, fromOld := p.image(op.New, flags&flagOldStates != 0)
		op.Old = old
		if op.Kind == change.Delete {
			cut = fromOld
		}
	}
	switch {
	case p.err != nil || op.Kind == change.Truncate:
	case flags&flagKey != 0:
		op.Key.Row = key
	case cut != "":
		op.Key.Row = cut
	default:
		k, err := change.KeyOf(op.Table, keyImage(op), nil)
		if err != nil {
			p.corrupt("image lacks its key")
			return
		}
		op.Key.Row = k.Row
	}
}

// image reads an image, and cuts the row's encoded key from its bytes where it stands there.
func (p *parser) image(beside change.Image, states bool) (r change.Image, key string) {
	t := p.table
	n := len(t.Columns)
	if n > len(p.values) {
		p.corrupt("counts don't match the content")
		return nil, ""
	}
	r = change.Image(p.values[:n:n])
	p.values = p.values[n:]
	if states {
		return r, p.statedValues(r, beside)
	}
	start, end := 0, 0
	for i := range r {
		if i == t.firstKey {
			start = p.at
		}
		r[i] = change.Text(p.text())
		if i == t.lastKey {
			end = p.at
		}
	}
	if p.err != nil || !t.adjacent {
		return r, ""
	}
	return r, p.s[start:end]
}

func (p *parser) statedValues(r, beside change.Image) (key string) {
	t := p.table
	size := (len(r) + 3) / 4
	if size > p.left() {
		p.corrupt("cut short")
		return ""
	}
	bits := p.s[p.at : p.at+size]
	p.at += size
	if rest := len(r) % 4; rest != 0 && bits[size-1]>>(rest*2) != 0 {
		p.corrupt("states after the last column")
		return ""
	}
	start, end, whole := 0, 0, t.adjacent
	for i := range r {
		if i == t.firstKey {
			start = p.at
		}
		switch state := bits[i/4] >> (i % 4 * 2) & 3; state {
		case stateAbsent:
			r[i] = change.Absent
		case stateNull:
			r[i] = change.Null
		case stateText:
			r[i] = change.Text(p.text())
		default:
			if beside == nil {
				p.corrupt("state without a new image")
				return ""
			}
			r[i] = beside[i]
		}
		if i >= t.firstKey && i <= t.lastKey {
			if s := bits[i/4] >> (i % 4 * 2) & 3; s != stateText {
				whole = false
			}
		}
		if i == t.lastKey {
			end = p.at
		}
	}
	if p.err != nil || !whole {
		return ""
	}
	return p.s[start:end]
}
