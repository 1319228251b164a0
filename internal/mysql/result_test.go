package mysql

import (
	"errors"
	"io"
	"testing"

	"bridge/change"
)

// packets are what a server sends.
type packets [][]byte

func (p *packets) ReadPacket() ([]byte, error) {
	if len(*p) == 0 {
		return nil, io.EOF
	}
	first := (*p)[0]
	*p = (*p)[1:]
	return first, nil
}

// Whatever arrives, reading it ends with a result or an error.
func FuzzReadResult(f *testing.F) {
	f.Add([]byte("\x07\x00\x01\x00\x02\x00\x00\x00"))                                                                          // OK
	f.Add([]byte("\x0a\xff\x26\x04#23000x"))                                                                                   // an error
	f.Add([]byte("\x01\x01\x07\x03def\x00\x00\x00\x00\x01a\x05\xfe\x00\x00\x02\x00\x02\x01x\x01\xfb\x05\xfe\x00\x00\x02\x00")) // rows
	f.Add([]byte("\x01\x02\x0a\x03def\x00\x00\x00\x01a\x05\xfe\x00\x00\x00\x00"))                                              // a definition too few
	f.Add([]byte("\x01\xfb"))                                                                                                  // a local file
	f.Add([]byte("\x03\xfc\xff\xff"))                                                                                          // too many columns
	f.Fuzz(func(t *testing.T, data []byte) {
		var in packets
		for len(data) > 0 { // a byte of length before each packet
			n := min(int(data[0]), len(data)-1)
			in = append(in, data[1:1+n])
			data = data[1+n:]
		}
		count := len(in)
		r, _, err := readResult(&in, 0, nil)
		if len(in) == count && count > 0 {
			t.Error("nothing was read")
		}
		if err != nil {
			return
		}
		for _, row := range r.Rows {
			if len(row) != len(r.Columns) || !row.Complete() {
				t.Errorf("row of %d values for %d columns", len(row), len(r.Columns))
			}
		}
	})
}

func TestReadResult(t *testing.T) {
	in := packets{
		[]byte("\x02"), []byte("\x03def\x00\x00\x00\x01a\x01a\x0c"), []byte("\x03def\x00\x00\x00\x01b\x01b\x0c"), []byte("\xfe\x00\x00\x02\x00"),
		[]byte("\x01x\xfb"), []byte("\x00\xfc\x03\x00\xfe\xff\x00"), []byte("\xfe\x07\x00\x0a\x00"),
		[]byte("\x00\xfc\x00\x01\x05\x02\x00\x03\x00"),
	}
	r, more, err := readResult(&in, 0, nil)
	if err != nil || !more || r.Warnings != 7 || len(r.Rows) != 2 || r.Rows[0][1] != change.Null || r.Rows[1][0] != change.Text("") || r.Rows[1][1] != change.Text("\xfe\xff\x00") {
		t.Errorf("%+v, more %t, %v", r, more, err)
	}
	if r, more, err = readResult(&in, 1, nil); err != nil || more || r.Affected != 256 || r.InsertID != 5 || r.Warnings != 3 {
		t.Errorf("%+v, more %t, %v", r, more, err)
	}
	if _, _, err = readResult(&in, 2, nil); !errors.Is(err, io.EOF) || Classify(err) != Retry {
		t.Errorf("at the end: %v", err)
	}
}

func TestRedact(t *testing.T) {
	for _, test := range []struct {
		number   uint16
		in, want string
		key      string
	}{
		{1062, "Duplicate entry 'it's' for key 't.PRIMARY'", "Duplicate entry '?' for key 't.PRIMARY'", "t.PRIMARY"},
		{1062, "Duplicate entry '' for key 'x' for key 'u'", "Duplicate entry '?' for key 'u'", "u"},
		{1366, "Incorrect integer value: 'a'b' for column 'n' at row 1", "Incorrect integer value: '?' for column 'n' at row 1", ""},
		{1366, "Incorrect integer value: 'ab' for column `d`.`t`.`n` at row 1", "Incorrect integer value: '?' for column `d`.`t`.`n` at row 1", ""},
		{1064, "You have an error near 'secret', ('x')' at line 1", "You have an error near '?' at line 1", ""},
		{1146, "Table 'd.t' doesn't exist", "Table 'd.t' doesn't exist", ""},
		{1213, "Deadlock found", "Deadlock found", ""},
		{4000, "It's unknown", "It'?", ""},
	} {
		e := &Error{Number: test.number}
		e.setText(test.in)
		if e.Text != test.want || e.Key != test.key {
			t.Errorf("%q is %q, key %q; want %q, %q", test.in, e.Text, e.Key, test.want, test.key)
		}
	}
}
