package mysql

import (
	"cmp"
	"slices"
	"strconv"

	"bridge/internal/mysql"
)

// packed is an UPDATE of many rows whose values stand in one literal for each column, one after the other in the keys' order:
//
//	UPDATE t FORCE INDEX (PRIMARY) SET a = MID(_binary'…', 4 * INTERVAL(id, 7, 9, …) - 3, 4), … WHERE id IN (7, 9, …)
//
// A server spends a quarter of an upsert's time on the texts of its values, each a token and an item, and more on an insert that finds
// its key taken. Here it reads a few long tokens, and looks each row up once. INTERVAL is which of the ascending keys the row's is, by a
// binary search: the statement relies on no order in which rows are visited. Columns are assigned from left to right, as MariaDB's manual
// says, and so the first keeps what it has found for those after it (0.8 us a column).
//
// Places are of bytes. A value is what the column reads from a text, so text says its character set, and
// what reads a number otherwise than a text (BIT, YEAR) is told that it's one.
type packed struct {
	*builder
	columns []int // of the shape, which are assigned
	rows    []packedRow
	cells   []cell // of each row one for each of columns
	keys    int    // the length of all keys, in bytes
	texts   int    // and of all texts
}

type packedRow struct {
	key   string
	order integerOrder
	at    int // of the first of its cells
}

// cell is a value, by the text that its column reads it from.
type cell struct {
	text string
	null bool
}

// integerOrder orders the integers of 64 bits, signed and unsigned ones alike.
type integerOrder struct {
	beyond bool // it's more than the signed ones
	n      int64
}

func orderOf(s string) (integerOrder, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return integerOrder{n: n}, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return integerOrder{}, errForm
	}
	return integerOrder{beyond: true, n: int64(n - 1<<63)}, nil
}

func (r *packedRow) compare(s *packedRow) int {
	if r.order.beyond != s.order.beyond {
		if s.order.beyond {
			return -1
		}
		return 1
	}
	return cmp.Compare(r.order.n, s.order.n)
}

// add adds a value to the row that was begun last.
func (p *packed) add(text string, null bool) {
	p.cells = append(p.cells, cell{text, null})
	p.texts += len(text)
}

// begin begins a row.
func (p *packed) begin(key string) error {
	order, err := orderOf(key)
	p.rows = append(p.rows, packedRow{key, order, len(p.cells)})
	p.keys += len(key) + 1
	return err
}

// size is about how long the statement is at most, in bytes: keys stand up to three times for each column, texts may be
// escaped, and each is padded or has its place.
func (p *packed) size() int {
	return p.keys*(3*len(p.columns)+1) + 2*p.texts + 32*len(p.cells)
}

// statement is the whole of it.
func (p *packed) statement() []byte {
	slices.SortFunc(p.rows, func(a, b packedRow) int { return a.compare(&b) })
	var keys []byte
	for i := range p.rows {
		if i > 0 {
			keys = append(keys, ',')
		}
		keys = append(keys, p.rows[i].key...)
	}
	key := p.builder.columns[p.Keys[0]].name
	out := make([]byte, 0, p.texts*5/4+(len(p.columns)+1)*len(keys)+1024)
	out = append(out, "UPDATE "+p.name+" FORCE INDEX (PRIMARY) SET "...)
	slot := slices.Concat([]byte("("+foundSlot+":=INTERVAL("+key+","), keys, []byte("))"))
	for n := range p.columns {
		if n > 0 {
			out = append(out, ',')
		}
		var used bool
		if out, used = p.assign(out, n, slot); used {
			slot = []byte(foundSlot)
		}
	}
	for _, name := range p.keptNow(p.columns) {
		out = append(out, ","+name+"="+name...)
	}
	return append(append(append(out, " WHERE "+key+" IN ("...), keys...), ')')
}

// foundSlot is the user variable that keeps a row's slot.
const foundSlot = "@bridge_slot"

// assign appends the assignment to a column, the n-th of those assigned, and reports whether every row evaluates slot for it.
func (p *packed) assign(out []byte, n int, slot []byte) ([]byte, bool) {
	c := &p.builder.columns[p.columns[n]]
	cells := make([]cell, len(p.rows))
	nulls := 0
	for i := range p.rows {
		cells[i] = p.cells[p.rows[i].at+n]
		if cells[i].null {
			nulls++
		}
	}
	out = append(out, c.name+"="...)
	if nulls == len(cells) {
		return append(out, "NULL"...), false
	}
	if nulls > 0 {
		out = append(out, "IF(MID(_binary'"...)
		for _, cell := range cells {
			if cell.null {
				out = append(out, '1')
			} else {
				out = append(out, '0')
			}
		}
		out = append(append(append(out, "',"...), slot...), ",1),NULL,"...)
	}
	opening, closing := c.unpacked()
	out, used := pick(append(out, opening...), c, cells, slot)
	out = append(out, closing...)
	if nulls > 0 {
		return append(out, ')'), true
	}
	return out, used
}

// pick appends the expression of a row's value. Values of one length are found by that, and those before which
// blanks say nothing are brought to one; others are looked up by where each begins, and by its length. It reports
// whether there's slot in it.
func pick(out []byte, c *column, cells []cell, slot []byte) ([]byte, bool) {
	first, total, longest, even := true, 0, 0, true
	for i := range cells {
		if length := len(cells[i].text); !cells[i].null {
			even = even && (first || length == longest)
			first, total, longest = false, total+length, max(longest, length)
		}
	}
	switch {
	case longest == 0:
		return append(out, "''"...), false
	case !even && !c.ignoresBlanks():
		return pickPlaced(out, cells, slot, total, longest), true
	}
	out = append(out, "MID(_binary'"...)
	for i := range cells {
		out = fill(out, ' ', longest-len(cells[i].text))
		out = mysql.AppendEscaped(out, cells[i].text)
	}
	return append(at(append(out, "',"...), slot, longest), ')'), true
}

// pickPlaced appends the expression of a value among those of several lengths.
func pickPlaced(out []byte, cells []cell, slot []byte, total, longest int) []byte {
	width, widthOfLength := len(strconv.Itoa(total+1)), len(strconv.Itoa(longest))
	var begins, lengths []byte
	begin := 1
	out = append(out, "MID(_binary'"...)
	for i := range cells {
		length := len(cells[i].text)
		out = mysql.AppendEscaped(out, cells[i].text)
		begins = appendPadded(begins, begin, width)
		lengths = appendPadded(lengths, length, widthOfLength)
		begin += length
	}
	out = append(append(append(out, "',MID(_binary'"...), begins...), "',"...)
	out = at(out, slot, width)
	out = append(append(append(out, "),MID(_binary'"...), lengths...), "',"...)
	return append(at(out, slot, widthOfLength), "))"...)
}

// at appends the place and the length of the slot's part, where each has the same.
func at(out, slot []byte, width int) []byte {
	if width > 1 {
		out = append(strconv.AppendInt(out, int64(width), 10), '*')
	}
	out = append(out, slot...)
	if width > 1 {
		out = strconv.AppendInt(append(out, '-'), int64(width-1), 10)
	}
	return strconv.AppendInt(append(out, ','), int64(width), 10)
}

// appendPadded appends a number in so many digits.
func appendPadded(out []byte, n, width int) []byte {
	digits := strconv.Itoa(n)
	return append(fill(out, '0', width-len(digits)), digits...)
}

// fill appends a character n times.
func fill(out []byte, c byte, n int) []byte {
	for range n {
		out = append(out, c)
	}
	return out
}
