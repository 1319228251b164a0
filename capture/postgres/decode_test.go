package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pglogrepl"
	"pgregory.net/rapid"

	"bridge/capture"
	"bridge/capture/spool"
	"bridge/change"
)

// offline is a source that is fed by hand. Nothing in it may need a connection.
func offline(t testing.TB) *Source { return offlineIn(t.TempDir()) }

func offlineIn(spillDir string) *Source {
	s := &Source{config: Config{}.withDefaults(), link: &link{asked: make(chan struct{}, 1)}}
	s.relations = newRelations(nil, capture.Outward{})
	s.streams = newStreams(s.relations, spool.New(spillDir, 0))
	s.rows = rows{transaction: &s.current, relations: s.relations, find: s.relations.get}
	return s
}

// feed gives the source one message of pgoutput and returns the events that come of it.
func (s *Source) feed(ctx context.Context, message []byte) ([]capture.Event, error) {
	header := binary.BigEndian.AppendUint64(nil, 0x1000)
	e, err := s.logData(ctx, append(append(header, make([]byte, 16)...), message...))
	if err != nil {
		return nil, s.fail(s.xid(), err)
	}
	events := []capture.Event{e}
	for s.replay != nil {
		e, err := s.step(ctx)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// m builds a message: bytes and strings are as they are, names end with a zero byte, integers are big
// endian.
func m(fields ...any) []byte {
	var b []byte
	for _, f := range fields {
		switch f := f.(type) {
		case byte:
			b = append(b, f)
		case rune:
			b = append(b, byte(f))
		case uint16:
			b = binary.BigEndian.AppendUint16(b, f)
		case uint32:
			b = binary.BigEndian.AppendUint32(b, f)
		case uint64:
			b = binary.BigEndian.AppendUint64(b, f)
		case name:
			b = append(append(b, f...), 0)
		case string:
			b = append(b, f...)
		case []byte:
			b = append(b, f...)
		default:
			panic(f)
		}
	}
	return b
}

type name string

// row is a row's TupleData; "?" stands for an unchanged TOAST value, "-" for NULL.
func row(values ...string) []byte {
	b := m(uint16(len(values)))
	for _, v := range values {
		switch v {
		case "?":
			b = append(b, 'u')
		case "-":
			b = append(b, 'n')
		default:
			b = m(b, 't', uint32(len(v)), v)
		}
	}
	return b
}

// announceT announces public.t (id integer key, v text) as OID 7.
func announceT(xid ...byte) []byte {
	return m('R', xid, uint32(7), name("public"), name("t"), 'd', uint16(2),
		byte(1), name("id"), uint32(23), uint32(0xffffffff), byte(0), name("v"), uint32(25), uint32(0xffffffff))
}

func begin(xid uint32) []byte { return m('B', uint64(100), uint64(5), xid) }
func commit() []byte          { return m('C', byte(0), uint64(100), uint64(120), uint64(5)) }

func TestMessages(t *testing.T) {
	x := m(uint32(9)) // the xid of a streamed message
	progress := m(uint32(8), name("bridge"), name("progress"), 'd', uint16(5), byte(1), name("origin"), uint32(25), uint32(0), byte(1), name("worker"), uint32(23), uint32(0),
		byte(0), name("seq"), uint32(20), uint32(0), byte(0), name("ts"), uint32(20), uint32(0), byte(0), name("stream_offset"), uint32(20), uint32(0))
	mark := row("ap/1", "0", "7", "1000", "70")
	tests := []struct {
		name     string
		messages [][]byte
		want     string // the events, or what the last message's error says
	}{
		{"a transaction", [][]byte{begin(9), announceT(), m('I', uint32(7), 'N', row("1", "")), m('U', uint32(7), 'N', row("1", "-")), m('D', uint32(7), 'K', row("1", "-")), commit()},
			"insert public.t (1) new 1 \nupdate public.t (1) new 1 NULL\ndelete public.t (1)\ncommit"},
		{"an empty one", [][]byte{begin(9), commit()}, "empty"},
		{"an origin", [][]byte{begin(9), m('O', uint64(1), name("native")), commit()}, "empty"},
		{"a stream in two blocks", [][]byte{m('S', x, byte(1)), m('O', uint64(1), name("native")), announceT(x...), m('I', x, uint32(7), 'N', row("1", "a")), m('E'),
			begin(5), announceT(), m('I', uint32(7), 'N', row("5", "e")), commit(),
			m('S', x, byte(0)), m('I', uint32(10), uint32(7), 'N', row("2", "b")), m('I', uint32(11), uint32(7), 'N', row("3", "c")), m('E'),
			m('A', x, uint32(11)), m('c', x, byte(0), uint64(100), uint64(120), uint64(5))},
			"insert public.t (5) new 5 e\ncommit\ninsert public.t (1) new 1 a\ninsert public.t (2) new 2 b\ncommit"},
		{"a stream rolled back", [][]byte{m('S', x, byte(1)), announceT(x...), m('I', x, uint32(7), 'N', row("1", "a")), m('E'), m('A', x, x)}, ""},
		{"a stream's marker rolled back", [][]byte{m('S', x, byte(1)), m('R', x, progress), m('I', uint32(10), uint32(8), 'N', mark), m('E'), m('A', x, uint32(10)),
			m('c', x, byte(0), uint64(100), uint64(120), uint64(5))}, "rolled back the write to bridge.progress"},

		{"nothing", [][]byte{{}}, "empty message"},
		{"unknown", [][]byte{m('b', uint64(1))}, "more than protocol 2"},
		{"unknown in a stream", [][]byte{m('S', x, byte(1)), m('b', x)}, "more than protocol 2"},
		{"Begin in a transaction", [][]byte{begin(9), begin(10)}, "transaction 10 begins inside transaction 9"},
		{"Commit of nothing", [][]byte{commit()}, "not of the transaction"},
		{"Commit of another", [][]byte{begin(9), m('C', byte(0), uint64(101), uint64(120), uint64(5))}, "not of the transaction"},
		{"Commit with flags", [][]byte{begin(9), m('C', byte(4), uint64(100), uint64(120), uint64(5))}, "unknown flags 0x4"},
		{"a long Commit", [][]byte{begin(9), m(commit(), byte(0))}, "1 unknown bytes"},
		{"a row outside a transaction", [][]byte{announceT(), m('I', uint32(7), 'N', row("1", ""))}, "outside a transaction"},
		{"a row of an unknown table", [][]byte{begin(9), m('I', uint32(70), 'N', row("1", ""))}, "OID 70"},
		{"a row of an unknown table in a stream", [][]byte{announceT(), m('S', x, byte(1)), m('I', x, uint32(7), 'N', row("1", ""))}, "in its stream"},
		{"too many columns", [][]byte{begin(9), announceT(), m('I', uint32(7), 'N', row("1", "", "2"))}, "table public.t: "},
		{"an insert of an old row", [][]byte{begin(9), announceT(), m('I', uint32(7), 'O', row("1", "2"))}, "unknown form"},
		{"a delete of a new row", [][]byte{begin(9), announceT(), m('D', uint32(7), 'N', row("1", "2"))}, "unknown form"},
		{"an update with more than a row", [][]byte{begin(9), announceT(), m('U', uint32(7), 'N', row("1", "2"), 'N')}, "unknown form"},
		{"binary values", [][]byte{begin(9), announceT(), m('I', uint32(7), 'N', uint16(2), 'b', uint32(1), "1", 'n')}, `unknown kind "b"`},
		{"a NULL key", [][]byte{begin(9), announceT(), m('I', uint32(7), 'N', row("-", "2"))}, `key column "id" is NULL`},
		{"a relation with flags", [][]byte{m('R', uint32(7), name("public"), name("t"), 'd', uint16(1), byte(2), name("id"), uint32(23), uint32(0))}, "unknown flags 0x2"},
		{"bridge.progress with a column missing", [][]byte{m('R', uint32(8), name("bridge"), name("progress"), 'd', uint16(0))}, `no column "origin"`},
		{"a stream continued that hasn't begun", [][]byte{m('S', x, byte(0))}, "out of order"},
		{"a stream begun twice", [][]byte{m('S', x, byte(1)), m('E'), m('S', x, byte(1))}, "out of order"},
		{"a stream inside a transaction", [][]byte{begin(8), m('S', x, byte(1))}, "inside transaction 8"},
		{"an unknown stream aborted", [][]byte{m('A', x, x)}, "nothing came"},
		{"an unknown stream committed", [][]byte{m('c', x, byte(0), uint64(100), uint64(120), uint64(5))}, "nothing came"},
		{"a barrier that is cut", [][]byte{begin(9), m('M', byte(1), uint64(1), name("bridge"), uint32(5), "barr")}, "cut short"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := offline(t)
			var events []capture.Event
			for i, message := range tt.messages {
				es, err := s.feed(t.Context(), message)
				events = append(events, es...)
				if err == nil {
					continue
				}
				where, ok := errors.AsType[*capture.LogError](err)
				if !strings.Contains(err.Error(), tt.want) || tt.want == "" || i != len(tt.messages)-1 {
					t.Fatalf("message %d: %v", i, err)
				}
				if !errors.Is(err, capture.ErrLog) || !ok || where.Position != "0/1000" {
					t.Errorf("not an ErrLog at 0/1000: %v", err)
				}
				return
			}
			wantText(t, show(events), tt.want)
		})
	}
}

// TestShortMessages cuts each kind of message at each place: always an error, but for those whose end
// isn't marked.
func TestShortMessages(t *testing.T) {
	x := m(uint32(9))
	inTransaction := [][]byte{announceT(), begin(9)}
	inStream := [][]byte{m('S', x, byte(1)), announceT(x...)}
	tests := []struct {
		before  [][]byte
		message []byte
	}{
		{nil, begin(9)}, {inTransaction, commit()}, {nil, announceT()},
		{nil, m('Y', uint32(70000), name("public"), name("mood"))},
		{inTransaction, m('I', uint32(7), 'N', row("1", "abc"))},
		{inTransaction, m('U', uint32(7), 'K', row("1", "-"), 'N', row("2", "abc"))},
		{inTransaction, m('U', uint32(7), 'O', row("1", "ab"), 'N', row("1", "abc"))},
		{inTransaction, m('D', uint32(7), 'K', row("1", "-"))},
		{inTransaction, m('T', uint32(1), byte(0), uint32(7))},
		{inTransaction, m('M', byte(1), uint64(1), name("bridge"), uint32(len("barrier 1 run 77 0")), "barrier 1 run 77 0")},
		{nil, m('S', x, byte(1))}, {inStream, announceT(x...)},
		{append(inStream, m('E')), m('A', x, x)}, {append(inStream, m('E')), m('c', x, byte(0), uint64(1), uint64(2), uint64(3))},
	}
	for _, tt := range tests {
		for n := range tt.message {
			s := offline(t)
			for _, before := range tt.before {
				if _, err := s.feed(t.Context(), before); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.feed(t.Context(), tt.message[:n]); !errors.Is(err, capture.ErrLog) {
				t.Errorf("%q cut to %d bytes: %v", tt.message, n, err)
			}
		}
	}
}

// FuzzMessages feeds a source anything: it must neither panic nor end with another error than ErrLog
// at a position. The input is messages, each after its length in two bytes.
func FuzzMessages(f *testing.F) {
	join := func(messages ...[]byte) (all []byte) {
		for _, message := range messages {
			all = m(all, uint16(len(message)), message)
		}
		return all
	}
	x := m(uint32(9))
	f.Add(join(announceT(), begin(9), m('I', uint32(7), 'N', row("1", "-")), m('U', uint32(7), 'K', row("1", "-"), 'N', row("2", "x")), m('D', uint32(7), 'K', row("1", "-")),
		m('T', uint32(1), byte(0), uint32(7)), commit()))
	f.Add(join(m('S', x, byte(1)), announceT(x...), m('I', x, uint32(7), 'N', row("1", "?")), m('E'), m('A', x, uint32(10)), m('c', x, byte(0), uint64(1), uint64(2), uint64(3))))
	f.Add(join(begin(9), m('M', byte(1), uint64(1), name("bridge"), uint32(18), "barrier 1 run 77 0"), commit()))
	f.Add(join(m('Y', uint32(70000), name(""), name("int4")), announceT(), m('O', uint64(1), name("o"))))
	ctx, cancel := context.WithCancel(f.Context())
	cancel() // what would need the catalog ends here
	_, config, err := Config{}.connections()
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, input []byte) {
		s := offlineIn(dir)
		defer s.streams.spool.Close()
		s.relations.catalog = &catalog{config: config}
		for len(input) >= 2 {
			n := min(int(binary.BigEndian.Uint16(input)), len(input)-2)
			message := input[2 : 2+n]
			input = input[2+n:]
			events, err := s.feed(ctx, message)
			if errors.Is(err, context.Canceled) {
				return
			}
			if err != nil {
				if where, ok := errors.AsType[*capture.LogError](err); !ok || where.Position != "0/1000" && s.replay == nil || !errors.Is(err, capture.ErrLog) {
					t.Fatalf("not an ErrLog with its position: %v", err)
				}
				return
			}
			for _, e := range events {
				for _, o := range e.Operations {
					if o.Table == nil || o.Kind == 0 || o.Kind != change.Truncate && o.Key.Row == "" {
						t.Fatalf("operation %+v", o)
					}
				}
			}
		}
	})
}

// TestTupleRoundTrip holds that values come out as they went in.
func TestTupleRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.String(), 0, 20).Draw(t, "values")
		rest := rapid.String().Draw(t, "rest")
		got := make(change.Image, len(values))
		left, err := tuple(string(row(values...))+rest, got)
		if err != nil || left != rest {
			t.Fatalf("rest %q, %v", left, err)
		}
		for i, v := range values {
			want := change.Text(v)
			if v == "?" {
				want = change.Absent
			} else if v == "-" {
				want = change.Null
			}
			if got[i] != want {
				t.Fatalf("value %d is %+v, want %+v", i, got[i], want)
			}
		}
	})
}

// TestLaterAnnouncementCounts holds the rule for two announcements of a table, of which one was
// streamed: the server goes by the one that it sent last.
func TestLaterAnnouncementCounts(t *testing.T) {
	x := m(uint32(9))
	wide := m('R', uint32(7), name("public"), name("t"), 'd', uint16(3), byte(1), name("id"), uint32(23), uint32(0),
		byte(0), name("v"), uint32(25), uint32(0), byte(0), name("w"), uint32(25), uint32(0))
	s := offline(t)
	for _, message := range [][]byte{
		m('S', x, byte(1)), announceT(x...), m('I', x, uint32(7), 'N', row("1", "a")), m('E'),
		begin(5), wide, m('I', uint32(7), 'N', row("2", "b", "c")), commit(),
		m('c', x, byte(0), uint64(100), uint64(120), uint64(5)),
		begin(6), m('I', uint32(7), 'N', row("3", "d", "e")), commit(),
	} {
		if _, err := s.feed(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPieces holds how a transaction is cut: a piece is given out when the next one has begun.
func TestPieces(t *testing.T) {
	big := strings.Repeat("x", capture.PieceBytes)
	tests := []struct {
		name   string
		values []string
		want   []int // operations of the pieces
	}{
		{"small", []string{"a", "b"}, []int{2}},
		{"one that fills a piece", []string{big}, []int{1}},
		{"each fills a piece", []string{big, big}, []int{1, 1}},
		{"many", make([]string, capture.PieceOperations), []int{capture.PieceOperations}},
		{"one too many", make([]string, capture.PieceOperations+1), []int{capture.PieceOperations, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := offline(t)
			messages := [][]byte{announceT(), begin(9)}
			for _, v := range tt.values {
				messages = append(messages, m('I', uint32(7), 'N', row("1", v)))
			}
			var pieces []capture.Event
			for _, message := range append(messages, commit()) {
				events, err := s.feed(t.Context(), message)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range events {
					if e.Kind == capture.Local {
						pieces = append(pieces, e)
					}
				}
			}
			if len(pieces) != len(tt.want) {
				t.Fatalf("%d pieces, want %v", len(pieces), tt.want)
			}
			for i, e := range pieces {
				last := i == len(pieces)-1
				if len(e.Operations) != tt.want[i] || e.First != (i == 0) || e.Last != last || (e.Position.Offset == 120) != last || e.Xid != 9 {
					t.Errorf("piece %d: %d operations, want %d, first %v, last %v, at %s", i, len(e.Operations), tt.want[i], e.First, e.Last, pglogrepl.LSN(e.Position.Offset))
				}
			}
		})
	}
}
