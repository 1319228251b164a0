package demo

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func text(s string) *string { return &s }

func TestExplain(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	qty := func(n string) map[string]*string {
		return map[string]*string{"cart": text("7"), "product": text("tea"), "qty": text(n)}
	}
	for _, tt := range []struct {
		name     string
		conflict conflict
		want     string
	}{
		{"two updates", conflict{Table: "cart_items", Key: []string{"7", "tea"}, Rule: "last_write_wins", Versions: []version{
			{Origin: "eu/1", Time: at, Kind: "update", Image: qty("3")},
			{Origin: "us/1", Time: at.Add(2100 * time.Microsecond), Kind: "update", Image: qty("5"), Won: true},
		}}, "cart 7, tea: eu set qty 3 at 03:04:05.678; us, which hadn't seen that, set qty 5 2.1 ms later. us wins (last_write_wins): every region has qty 5."},
		{"a delete wins", conflict{Table: "cart_items", Key: []string{"7", "tea"}, Rule: "last_write_wins", Versions: []version{
			{Origin: "eu/1", Time: at, Kind: "insert", Image: qty("3")},
			{Origin: "ap/2", Time: at.Add(42 * time.Microsecond), Kind: "delete", Won: true},
		}}, "cart 7, tea: eu added it with qty 3 at 03:04:05.678; ap, which hadn't seen that, deleted it 42 µs later. ap wins (last_write_wins): the row is gone in every region."},
		{"the same microsecond, and NULL", conflict{Table: "customers", Key: []string{"4"}, Rule: "last_write_wins", Versions: []version{
			{Origin: "eu/1", Time: at, Kind: "update", Image: map[string]*string{"id": text("4"), "city": nil}},
			{Origin: "us/1", Time: at, Kind: "delete", Won: true},
		}}, "customer 4: eu set city NULL at 03:04:05.678; us, which hadn't seen that, deleted it in the same microsecond. us wins (last_write_wins): the row is gone in every region."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := explain(&tt.conflict); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		want []string
	}{
		{"", 5, nil},
		{"one", 5, []string{"one"}},
		{"one two  three", 7, []string{"one two", "three"}},
		{"immeasurable it is", 5, []string{"immeasurable", "it is"}},
		{"µµµ µµµ", 7, []string{"µµµ µµµ"}},
	} {
		if got := slices.Collect(wrap(tt.text, tt.n)); !slices.Equal(got, tt.want) {
			t.Errorf("%q at %d: %q, want %q", tt.text, tt.n, got, tt.want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// A log has no ANSI sequences; on a terminal the live line gives way to the next line of text.
func TestScreen(t *testing.T) {
	var plain, styled strings.Builder
	for _, s := range []*screen{{w: &plain}, {w: &styled, styled: true}} {
		s.live("soon")
		s.live("now")
		s.linef("%s", s.style(bold, "done"))
		s.endLive()
	}
	if got := plain.String(); got != "done\n" {
		t.Errorf("log: %q", got)
	}
	if got, want := styled.String(), "\r\x1b[Ksoon\r\x1b[Know\r\x1b[K\x1b[1mdone\x1b[0m\n"; got != want {
		t.Errorf("terminal: %q, want %q", got, want)
	}
}

func TestLook(t *testing.T) {
	eu2us, us2eu := link{0, 1}, link{1, 0}
	then := &look{acknowledged: []int{10, 20}, missing: map[link]int{eu2us: 4, us2eu: 7}}
	if missing, unsent := then.behind(1); missing != 4 || unsent != 7 || then.settled() {
		t.Errorf("us lacks %d, eu lacks %d of us's; settled %v", missing, unsent, then.settled())
	}
	for _, tt := range []struct {
		now  look
		want bool
	}{
		{look{acknowledged: []int{15, 25}, missing: map[link]int{eu2us: 5, us2eu: 5}}, true},
		{look{acknowledged: []int{15, 25}, missing: map[link]int{eu2us: 5, us2eu: 6}}, false},
		{look{acknowledged: []int{10, 20}, missing: map[link]int{eu2us: 0, us2eu: 0}}, true},
	} {
		if got := tt.now.hasAll(then); got != tt.want {
			t.Errorf("%+v has all of %+v: %v", tt.now, then, got)
		}
	}
}

func TestAge(t *testing.T) {
	began := time.Now()
	s := &shop{acknowledged: []time.Time{began, began.Add(time.Second)}}
	now := began.Add(3 * time.Second)
	for _, tt := range []struct {
		seen int
		want time.Duration
	}{{0, 3 * time.Second}, {1, 2 * time.Second}, {2, 0}, {3, 0}} {
		if got := s.age(tt.seen, 2, now); got != tt.want {
			t.Errorf("seen %d: %s, want %s", tt.seen, got, tt.want)
		}
	}
}

// Of three regions the table has each pair, of more each region.
func TestTable(t *testing.T) {
	plain := func(s string) string { return s }
	pairs := lagColumns([]string{"eu", "us", "ap"})
	want := "   time orders/s conflicts    eu→us   us→eu   eu→ap   ap→eu   us→ap   ap→us"
	if got := tableHead(pairs); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	each := lagColumns([]string{"eu", "us", "ap", "sa"})
	want = "   time orders/s conflicts      →eu     →us     →ap     →sa"
	if got := tableHead(each); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	l := &look{lag: map[link]time.Duration{{0, 1}: time.Second, {2, 1}: 2 * time.Second, {1, 3}: time.Millisecond}}
	want = "    3 s       50     1,000     0 ms   2.0 s    0 ms    1 ms"
	if got := tableRow(each, 3*time.Second, 50, 1000, l, plain); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestParseEngine(t *testing.T) {
	for word, want := range map[string]Engine{"pg": PostgreSQL, "postgres": PostgreSQL, "mysql": MySQL, "mariadb": MariaDB, "oracle": "", "": ""} {
		if got, err := ParseEngine(word); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", word, got, err)
		}
	}
}
