package wire

import (
	"fmt"
	"strings"

	"bridge/change"
	"bridge/loopguard"
)

// Header is what a record says beside its transactions.
type Header struct {
	Kind    Kind
	Cluster string
	Origin  change.Origin
	// State is the origin's clock, and Position the place in its log, after the last complete
	// transaction up to the end of the record. Its rules are those of all transactions in the record.
	State    loopguard.State
	Position change.Position
	// Next is the fingerprint of the rules that the origin is ready to go over to, if Announces says that it is.
	Next      string
	Announces bool
	// Wall is the sender's wall time; of a heartbeat only.
	Wall change.Timestamp

	// First is the sequence number that the record begins with, and Before the place in that transaction: how
	// many of its operations come before the record's first. Of data only.
	First  uint64
	Before uint32
	// Open is how many operations the transaction State.Seq+1 has up to the record's end, when that is inside
	// it; otherwise 0.
	Open uint32

	start string // the content of baselineExtension
}

// Record is a decoded record. Its strings are parts of one string, and its slices of a few arrays:
// one image that's kept keeps the whole record in memory. Nothing in it may be changed.
type Record struct {
	Header
	Transactions []change.Transaction // none in a heartbeat
}

// maxInterned bounds the bytes of what a Decoder remembers: far above what a region has, far below
// what would hurt. maxOrigin is far above what a region's name may have.
const (
	maxInterned = 16 << 20
	maxOrigin   = 1 << 10
)

// Decoder decodes the records of a cluster. It remembers tables and origins, so that equal ones are
// one pointer in all its records. It isn't safe for concurrent use.
type Decoder struct {
	cluster string
	rules   string                // the last record's
	tables  map[string]*tableInfo // by encoded definition
	origins map[string]change.Origin
	size    int // of the keys of both
}

// NewDecoder makes a decoder that refuses the records of other clusters with [ErrCluster]; with ""
// it takes any.
func NewDecoder(cluster string) *Decoder {
	return &Decoder{cluster: cluster, tables: map[string]*tableInfo{}, origins: map[string]change.Origin{}}
}

// Decode reads a record of any cluster. The errors are [ErrNewer] and [ErrCorrupt], with the place
// in the record; the caller adds topic and offset.
func Decode(record []byte) (*Record, error) { return NewDecoder("").Decode(record) }

// Peek reads a record's header alone, without decoding its transactions.
func Peek(record []byte) (Header, error) {
	// The header is short: what's after it isn't copied.
	for n := min(len(record), 1<<10); ; n = min(len(record), n*8) {
		p := parser{reader: reader{s: string(record[:n])}, d: NewDecoder("")}
		p.header()
		if p.err == nil || n == len(record) {
			return p.h, p.err
		}
	}
}

// Decode reads a record. The bytes aren't kept.
func (d *Decoder) Decode(record []byte) (*Record, error) {
	p := parser{reader: reader{s: string(record)}, d: d}
	p.header()
	if p.err == nil && d.cluster != "" && p.h.Cluster != d.cluster {
		return nil, fmt.Errorf("%w (the record's is %q, this one is %q)", ErrCluster, p.h.Cluster, d.cluster)
	}
	if p.err == nil && p.h.Kind == Data {
		p.transactions()
	}
	if p.err == nil && p.left() > 0 {
		p.corrupt("more bytes than content")
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Record{p.h, p.out}, nil
}

// under is a fingerprint that doesn't keep the record in memory.
func (d *Decoder) under(rules string) string {
	if d.rules != rules {
		d.rules = strings.Clone(rules)
	}
	return d.rules
}

// remember makes room for n bytes more to remember.
func (d *Decoder) remember(n int) {
	if d.size+n > maxInterned {
		clear(d.tables)
		clear(d.origins)
		d.size = 0
	}
	d.size += n
}

// origin is s as an origin that doesn't keep the record in memory.
func (d *Decoder) origin(s string) (change.Origin, error) {
	if o, ok := d.origins[s]; ok {
		return o, nil
	}
	if len(s) > maxOrigin {
		return "", fmt.Errorf("origin of %d bytes", len(s))
	}
	o, err := change.ParseOrigin(strings.Clone(s))
	if err != nil {
		return "", err
	}
	d.remember(len(s))
	d.origins[string(o)] = o
	return o, nil
}

// tableInfo is a table and where its key stands in an image.
type tableInfo struct {
	*change.Table
	firstKey, lastKey int
	adjacent          bool // the key columns follow each other, so an image's bytes contain the key
}

func newTableInfo(t *change.Table) *tableInfo {
	info := &tableInfo{Table: t, firstKey: -1, lastKey: -1}
	if n := len(t.Keys); n > 0 {
		info.firstKey, info.lastKey = t.Keys[0], t.Keys[n-1]
		info.adjacent = info.lastKey-info.firstKey == n-1
	}
	return info
}

// table is the table of an encoded definition that's known to be whole.
func (d *Decoder) table(def string) *tableInfo {
	if t, ok := d.tables[def]; ok {
		return t
	}
	d.remember(len(def))
	def = strings.Clone(def)
	r := reader{s: def}
	name := change.TableName{Schema: r.text(), Name: r.text()}
	flags, engine := r.u8(), ""
	if flags&flagEngine != 0 {
		engine = r.text()
	}
	columns := make([]change.Column, r.count(1))
	for i := range columns {
		columns[i] = change.Column{Name: r.text(), Type: r.text(), Key: r.u8()&flagIsKey != 0}
	}
	t := newTableInfo(change.NewTable(name, columns, flags&flagFull != 0).On(engine))
	d.tables[def] = t
	return t
}
