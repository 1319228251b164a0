package casebook

import (
	"strings"
	"testing"
	"time"

	"bridge/apply"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// version is an operation at so many seconds past noon, which had seen the versions named.
func version(origin string, seq uint64, seconds int, kind string, fate apply.Fate, saw map[string]uint64) Version {
	return Version{Origin: origin, Seq: seq, Time: noon.Add(time.Duration(seconds) * time.Second), Kind: kind, Fate: fate, Won: fate == apply.FateWon, Saw: saw}
}

func TestStory(t *testing.T) {
	eu := version("eu/1", 7, 1, "update", apply.FateLost, map[string]uint64{"us/1": 8})
	eu.Lost = []string{"qty", "note"}
	us := version("us/1", 9, 2, "update", apply.FateWon, map[string]uint64{"eu/1": 6})
	earlier := version("us/1", 8, 0, "update", apply.FateSuperseded, nil)
	for _, tc := range []struct {
		name     string
		rule     string
		outcome  string
		versions []Version
		want     []string
	}{
		{"two updates", "last_write_wins", "kept", []Version{eu, us}, []string{
			"Neither eu/1:7 nor us/1:9 had seen the other.",
			"The update of us/1:9 at 12:00:02.000000 won: it's the latest of those",
			"eu/1:7 lost: what it has in qty, note isn't in the row.",
		}},
		{"one that was seen", "last_write_wins", "kept", []Version{earlier, eu, us}, []string{
			"us/1:9 had seen us/1:8.", "Neither eu/1:7", "won: it's the latest", "us/1:8 is superseded", "eu/1:7 lost",
		}},
		{"a lost delete", "priority, update_wins", "kept", []Version{version("eu/1", 7, 3, "delete", apply.FateLost, nil), us}, []string{
			"Neither eu/1:7 nor us/1:9", "won: its region comes first", "other writes stand before a delete", "eu/1:7 lost: the row it removed is there.",
		}},
		{"two deletes", "first_write_wins, delete_wins", "kept",
			[]Version{version("eu/1", 7, 3, "delete", apply.FateKept, nil), version("us/1", 9, 2, "delete", apply.FateWon, nil)},
			[]string{"it's the earliest", "a delete stands before", "eu/1:7 wanted the same: there's no row."}},
		{"columns", "columns", "merged", []Version{version("eu/1", 7, 3, "update", apply.FateKept, nil), us}, []string{
			"the columns have their own rules", "Nothing of eu/1:7 is lost", "The row has columns of more than one",
		}},
		{"a rule from a later bridge", "coin_toss", "kept", []Version{eu, us}, []string{"so says the rule coin_toss"}},
		{"no rule", "no rule", "kept", []Version{version("eu/1", 7, 1, "update", apply.FateWon, nil)}, []string{
			"the regions' data differed before", "eu/1:7 stands.",
		}},
		{"no rule, and no row", "no rule", "kept", []Version{func() Version { v := eu; v.Won = true; return v }()}, []string{"eu/1:7 lost: what it has in qty, note"}},
		{"no winner", "last_write_wins", "kept", []Version{eu}, []string{"eu/1:7 lost: what it has in qty, note"}},
		{"a dropped row", "constraint of_customer", Dropped, []Version{version("us/1", 0, 3, "row", apply.FateLost, nil)}, []string{
			"The row was last written by us/1 at", "the policy of the constraint of_customer is drop", "bridge conflicts resolve --pick",
		}},
	} {
		c := &Case{Rule: tc.rule, Outcome: tc.outcome, Versions: tc.versions}
		rest := strings.Join(c.Story(), "\n")
		for _, want := range tc.want {
			before, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("%s: no %q after what comes before it in:\n%s", tc.name, want, strings.Join(c.Story(), "\n"))
				break
			}
			_, rest = before, after
		}
		if tc.want == nil && rest != "" {
			t.Errorf("%s: %s", tc.name, rest)
		}
	}
}

func TestTally(t *testing.T) {
	of := func(table, key, rule string, versions ...Version) *Case {
		return &Case{Schema: "public", Table: table, Key: []string{key}, Type: "update_concurrent", Rule: rule, Versions: versions}
	}
	lost := func(origin string, seq uint64) Version { return version(origin, seq, 0, "update", apply.FateLost, nil) }
	won := version("us/1", 1, 1, "update", apply.FateWon, nil)
	tally := NewTally(noon, noon.Add(2*time.Hour))
	settled := of("b", "1", "last_write_wins", lost("eu/1", 1), won)
	settled.Resolution = &Resolution{}
	for _, c := range []*Case{
		of("a", "1", "last_write_wins", lost("eu/1", 1), won),
		of("a", "1", "last_write_wins", lost("eu/1", 1), lost("ap/1", 1), won), // the first again, and another
		of("a", "2", "last_write_wins", lost("eu/1", 1), won),                  // of the same transaction, another row
		of("a", "2", "columns", won),
		settled,
	} {
		tally.Add(c)
	}
	s := tally.Stats()
	if s.Cases != 5 || s.Open != 4 || s.Lost != 4 || s.LostPerHour != 2 {
		t.Errorf("%+v", s)
	}
	want := []Group{
		{"public.a", "update_concurrent", "last_write_wins", 3, 3, 3},
		{"public.b", "update_concurrent", "last_write_wins", 1, 0, 1},
		{"public.a", "update_concurrent", "columns", 1, 1, 0},
	}
	if len(s.Groups) != len(want) {
		t.Fatalf("%+v", s.Groups)
	}
	for i := range want {
		if s.Groups[i] != want[i] {
			t.Errorf("group %d: %+v, want %+v", i, s.Groups[i], want[i])
		}
	}
}

func TestVersionsByName(t *testing.T) {
	c := &Case{Versions: []Version{version("eu/1", 7, 0, "update", "", nil), version("eu/1", 8, 0, "update", "", nil), version("us/1", 7, 0, "update", "", nil)}}
	for name, want := range map[string]string{"eu": "eu/1:8", "eu/1": "eu/1:8", "eu/1:7": "eu/1:7", "us": "us/1:7", "ap": "", "": ""} {
		v, err := c.Version(name)
		if (err == nil) != (want != "") || err == nil && v.Dot().String() != want {
			t.Errorf("%q: %+v (%v), want %q", name, v, err, want)
		}
	}
}
