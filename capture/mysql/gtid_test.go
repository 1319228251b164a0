package mysql

import (
	"fmt"
	"testing"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// The library's set is the simple twin.
func TestUUIDSetIsTheLibrarysSet(t *testing.T) {
	uuids := []string{"01020304-0506-0708-090a-0b0c0d0e0f10", "ffffffff-0506-0708-090a-0b0c0d0e0f10"}
	rapid.Check(t, func(t *rapid.T) {
		set, twin := &uuidSet{}, mysql.NewMysqlGTIDSet()
		for range rapid.IntRange(0, 60).Draw(t, "groups") {
			id := rapid.SampledFrom(uuids).Draw(t, "uuid")
			tag := rapid.SampledFrom([]string{"", "", "bridge", "a_1"}).Draw(t, "tag")
			number := rapid.Uint64Range(1, 30).Draw(t, "number")
			g := gtid{source: id, number: number}
			if tag != "" {
				g.source += ":" + tag
			}
			set.add(g)
			twin.AddGTIDWithTag(uuid.MustParse(id), mysql.NewTag(tag), int64(number))
		}
		read, err := mysql.ParseMysqlGTIDSet(set.String())
		if err != nil || !read.Equal(&twin) {
			t.Fatalf("%s: the library reads %v (%v), want %v", set, read, err, &twin)
		}
		again, err := parseUUIDSet(twin.String())
		if err != nil || again.String() != set.String() {
			t.Fatalf("%s is read as %s (%v), want %s", &twin, again, err, set)
		}
	})
}

func TestDomainSet(t *testing.T) {
	s, err := parseDomainSet(" 5-1-9,0-1-4294967296")
	if err != nil {
		t.Fatal(err)
	}
	s.add(gtid{domain: 0, server: 2, number: 7}) // lower numbers happen when gtid_strict_mode is off
	s.add(gtid{domain: 4294967295, server: 1, number: 1})
	if want := "0-2-7,5-1-9,4294967295-1-1"; s.String() != want {
		t.Errorf("got %s, want %s", s, want)
	}
}

func TestGTIDSetsRefuseOtherTexts(t *testing.T) {
	for _, text := range []string{
		"x", "01020304-0506-0708-090a-0b0c0d0e0f10", "01020304-0506-0708-090a-0b0c0d0e0f10:0",
		"01020304-0506-0708-090a-0b0c0d0e0f10:3-2", "0102:1", "0-1-5",
	} {
		if s, err := parseUUIDSet(text); err == nil {
			t.Errorf("%q was read as %s", text, s)
		}
	}
	for _, text := range []string{"x", "0-1", "0-1-2-3", "4294967296-1-1", "0--1"} {
		if s, err := parseDomainSet(text); err == nil {
			t.Errorf("%q was read as %s", text, s)
		}
	}
}

func FuzzParseUUIDSet(f *testing.F) {
	f.Add("01020304-0506-0708-090a-0b0c0d0e0f10:1-3:5:tag:7")
	f.Add(" ,")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseUUIDSet(text)
		if err != nil {
			return
		}
		if again, err := parseUUIDSet(s.String()); err != nil || again.String() != s.String() {
			t.Errorf("%q is %s, then %v %v", text, s, again, err)
		}
	})
}

func BenchmarkUUIDSet(b *testing.B) {
	s, err := parseUUIDSet("01020304-0506-0708-090a-0b0c0d0e0f10:1-100000")
	if err != nil {
		b.Fatal(err)
	}
	g := gtid{source: "01020304-0506-0708-090a-0b0c0d0e0f10", number: 100000}
	for b.Loop() {
		g.number++
		s.add(g)
		if s.String() == "" {
			b.Fatal(fmt.Sprint(s))
		}
	}
}
