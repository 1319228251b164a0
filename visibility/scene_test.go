package visibility

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

// verdicts is what a scene decided, in the order of the keys.
func verdicts(s *Scene) string {
	text := ""
	all := slices.SortedFunc(slices.Values(s.All()), func(a, b *Candidate) int { return compareKeys(a.Key, b.Key) })
	for _, c := range all {
		blockers := slices.Clone(c.Blockers)
		slices.SortFunc(blockers, compareKeys)
		text += fmt.Sprintf("%s: ", c.Key)
		if c.Shown != nil {
			text += fmt.Sprint(c.Shown.Image)
		}
		text += fmt.Sprintf(" %s %s by %v %v\n", c.Reason, c.Constraint, blockers, c.Tables)
	}
	return text
}

// TestDecideIsAFunctionOfTheCandidates (I1): regions meet the same candidates in any order.
func TestDecideIsAFunctionOfTheCandidates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, all := drawWorld(t)
		one, err := sceneOf(c, all, mark)
		if err != nil {
			t.Fatal(err)
		}
		two, err := sceneOf(c, rapid.Permutation(all).Draw(t, "order"), mark)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := verdicts(one), verdicts(two); a != b {
			t.Fatalf("in one order:\n%s\nin another:\n%s", a, b)
		}
		if err := two.Decide(mark); err != nil || verdicts(two) != verdicts(one) {
			t.Fatalf("decided again (%v):\n%s\nbefore:\n%s", err, verdicts(two), verdicts(one))
		}
	})
}

// TestShownKeepsTheConstraints: no unique value is shown twice, every child that's shown has its parent, and what isn't shown as it is says why.
func TestShownKeepsTheConstraints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, all := drawWorld(t)
		s, err := sceneOf(c, all, mark)
		if err != nil {
			t.Fatal(err)
		}
		offered := s.offered()
		shown := map[Value]change.Key{}
		for _, c := range s.All() {
			want := Marks{}
			if c.Shown != nil {
				if want, err = mark(c.Table, c.Shown); err != nil {
					t.Fatal(err)
				}
			}
			if !want.Equal(&c.ShownMarks) {
				t.Fatalf("%s has marks %v, and shows %v", c.Key, c.ShownMarks, want)
			}
			for _, v := range c.ShownMarks.Holds {
				if !v.Has() {
					continue
				}
				if rival, ok := shown[v]; ok {
					t.Fatalf("%s and %s both show %v\n%s", c.Key, rival, v, verdicts(s))
				}
				shown[v] = c.Key
			}
			for _, v := range c.ShownMarks.Names {
				if v.Has() && !offered[v] {
					t.Fatalf("%s names %v, which nobody offers\n%s", c.Key, v, verdicts(s))
				}
			}
		}
		for _, c := range s.All() {
			explained(t, s, c)
		}
	})
}

// explained makes sure that a candidate which isn't shown as it is has a cause among the others (I2), and one that's shown has none.
func explained(t *rapid.T, s *Scene, c *Candidate) {
	if (c.Reason == "") != (c.Shown == c.Row) || c.Row == nil && c.Shown != nil {
		t.Fatalf("%s: reason %q, shown %v of %v", c.Key, c.Reason, c.Shown, c.Row)
	}
	for _, b := range c.Blockers {
		if b == c.Key && c.Reason != ByParent {
			t.Fatalf("%s is in its own way", c.Key)
		}
	}
	switch c.Reason {
	case ByUnique:
		if !slices.ContainsFunc(c.Blockers, func(b change.Key) bool { return s.Get(b) != nil && s.Get(b).Row != nil }) {
			t.Fatalf("%s is hidden by %v, none of which is there", c.Key, c.Blockers)
		}
	case ByParent:
		if len(c.Blockers)+len(c.Tables) == 0 {
			t.Fatalf("%s lacks a parent, and doesn't say which", c.Key)
		}
	case Refused:
		if c.Refuses == "" {
			t.Fatalf("%s is refused by nothing", c.Key)
		}
	}
}

// TestLatestClaimIsShown: of all that take a value, the latest isn't hidden for it; earlier ones are, shown rival or not.
func TestLatestClaimIsShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, all := drawWorld(t)
		s, err := sceneOf(c, all, mark)
		if err != nil {
			t.Fatal(err)
		}
		for v, holders := range s.holders() {
			latest := slices.MaxFunc(holders, func(a, b *Candidate) int { return a.Claim.Compare(b.Claim) })
			for _, h := range holders {
				if h == latest {
					continue
				}
				if !slices.Contains(h.Blockers, latest.Key) || h.Shown == h.Row {
					t.Fatalf("%s shows %v, of which %s is the latest\n%s", h.Key, v, latest.Key, verdicts(s))
				}
			}
		}
	})
}

// TestSharpCases are those by which the rules were chosen.
func TestSharpCases(t *testing.T) {
	c := catalogOf(Park, Park, ParkChild, false)
	person := func(time change.Timestamp, values ...string) *Candidate {
		return candidateOf(c, time, rowOf(personShape, values...))
	}
	team := func(time change.Timestamp, values ...string) *Candidate {
		return candidateOf(c, time, rowOf(teamShape, values...))
	}
	for name, test := range map[string]struct {
		all   []*Candidate
		shown string
	}{
		"the later of two":                        {[]*Candidate{person(1, "1", "", "", "a", ""), person(2, "2", "", "", "a", "")}, "2"},
		"equal times go by key":                   {[]*Candidate{person(1, "1", "", "", "a", ""), person(1, "2", "", "", "a", "")}, "2"},
		"a hidden one goes on holding its values": {[]*Candidate{team(9, "1", "", "", ""), person(1, "1", "1", "", "b", "n"), person(2, "2", "1", "", "a", "n"), person(3, "3", "", "", "a", "")}, "3"},
		"who names itself stays":                  {[]*Candidate{person(1, "1", "", "1", "", "")}, "1"},
		"a ring stays":                            {[]*Candidate{person(1, "1", "", "2", "", ""), person(1, "2", "", "3", "", ""), person(1, "3", "", "1", "", "")}, "1 2 3"},
		"a ring goes with its loser":              {[]*Candidate{person(1, "1", "", "2", "a", ""), person(1, "2", "", "3", "", ""), person(1, "3", "", "1", "", ""), person(2, "4", "", "", "a", "")}, "4"},
		"children of children go":                 {[]*Candidate{person(1, "1", "", "9", "", ""), person(1, "2", "", "1", "", ""), person(1, "3", "", "2", "", "")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sceneOf(c, test.all, mark)
			if err != nil {
				t.Fatal(err)
			}
			if got := shownKeys(s); got != test.shown {
				t.Errorf("shows %q, want %q\n%s", got, test.shown, verdicts(s))
			}
		})
	}
}

// shownKeys are the ids of what's shown, those of teams left out where a person has the same.
func shownKeys(s *Scene) string {
	text := ""
	for _, c := range slices.SortedFunc(slices.Values(s.All()), func(a, b *Candidate) int { return cmp.Compare(a.Key.Row, b.Key.Row) }) {
		if c.Shown != nil && c.Key.Table == personShape.TableName {
			id, _ := c.Shown.Image[0].Text()
			text += " " + id
		}
	}
	if text == "" {
		return ""
	}
	return text[1:]
}

// TestAlteredFindsNoPlace: what's shown altered must not meet another row by that.
func TestAlteredFindsNoPlace(t *testing.T) {
	for name, loser := range map[string]Loser{"renamed": Rename, "nulled": Null} {
		t.Run(name, func(t *testing.T) {
			c := catalogOf(loser, Park, ParkChild, true)
			taken := map[Loser]string{Rename: "a~1", Null: ""}[loser]
			all := []*Candidate{
				candidateOf(c, 1, rowOf(personShape, "1", "", "", "a", "")),
				candidateOf(c, 2, rowOf(personShape, "2", "", "", "a", "")),
				candidateOf(c, 0, rowOf(personShape, "3", "", "", taken, "")),
			}
			s, err := sceneOf(c, all, mark)
			if err != nil {
				t.Fatal(err)
			}
			lost := s.Get(all[0].Key)
			if lost.Shown != nil || !slices.Contains(lost.Blockers, all[2].Key) || shownKeys(s) != "2 3" {
				t.Errorf("%s", verdicts(s))
			}
		})
	}
}

// TestOrderMattersWhereHiddenRivalsDont is a twin that's wrong: it takes candidates one after another, each against what is shown by then.
func TestOrderMattersWhereHiddenRivalsDont(t *testing.T) {
	c := catalogOf(Park, Park, ParkChild, false)
	all := []*Candidate{
		candidateOf(c, 1, rowOf(personShape, "1", "7", "", "a", "n")),
		candidateOf(c, 2, rowOf(personShape, "2", "7", "", "b", "n")), // hides 1 by its nick
		candidateOf(c, 3, rowOf(personShape, "3", "7", "", "b", "m")), // hides 2 by its mail
	}
	greedy := func(order ...int) string {
		shown := map[change.Key]*Candidate{}
		for _, i := range order {
			hidden := false
			for key, rival := range shown {
				for n, v := range all[i].Marks.Holds {
					if v != rival.Marks.Holds[n] {
						continue
					}
					if all[i].Claim.Compare(rival.Claim) < 0 {
						hidden = true
					} else {
						delete(shown, key)
					}
				}
			}
			if !hidden {
				shown[all[i].Key] = all[i]
			}
		}
		return fmt.Sprint(len(shown))
	}
	if greedy(0, 1, 2) == greedy(2, 1, 0) {
		t.Error("counting shown rivals alone, what's shown doesn't depend on the order: the test is no test")
	}
}

func TestClaimIsATotalOrder(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) Claim {
		few := rapid.IntRange(0, 2)
		return Claim{
			Version: change.Version{Time: change.Timestamp(few.Draw(t, "time")), Origin: change.NewOrigin(fmt.Sprint("r", few.Draw(t, "origin")), 1)},
			After:   uint32(few.Draw(t, "after")), Key: change.Key{Table: teamShape.TableName, Row: fmt.Sprint(few.Draw(t, "key"))},
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := draw.Draw(t, "a"), draw.Draw(t, "b"), draw.Draw(t, "c")
		if ab := a.Compare(b); ab != -b.Compare(a) || (ab == 0) != (a == b) {
			t.Fatalf("%v and %v compare as %d and %d", a, b, ab, b.Compare(a))
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatalf("%v, %v, %v: not transitive", a, b, c)
		}
	})
}

// TestRenamed: the text depends on the row alone, and not on what a region knows of its claim. It needs room for 13 characters at most.
func TestRenamed(t *testing.T) {
	c := catalogOf(Rename, Park, ParkChild, false)
	for id, want := range map[string]string{
		"7": "a~7", "eu-000000001": "a~eu-000000001", "5f0c7c1e-9d43-4a53-8f1b-0e6d6c8c9d10": "a~98b45451512c", "ü": "a~81f6aa094925",
	} {
		for time := range change.Timestamp(2) {
			lost := candidateOf(c, time, rowOf(personShape, id, "", "", "a", ""))
			s, err := sceneOf(c, []*Candidate{lost, candidateOf(c, 3, rowOf(personShape, "2", "", "", "a", ""))}, mark)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := s.Get(lost.Key).Shown.value("mail").Text(); got != want {
				t.Errorf("of key %q: %q, want %q", id, got, want)
			}
		}
	}
}
