package compare

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"bridge/change"
)

// suspect is a row that wasn't the same everywhere when it was looked at last.
type suspect struct {
	key    []string   // in the regions' common forms
	own    [][]string // by region: in its own texts, as far as the row was there
	looks  []look     // by region, in the order of the table's regions
	lasted int        // rounds that it came through unwritten
}

// look is a row in one region; the zero look is of a row that isn't there.
type look struct {
	there         bool
	hash, version string
}

// same reports whether all regions have the same row, or none has it.
func (s *suspect) same() bool {
	for _, l := range s.looks {
		if l.there != s.looks[0].there || l.hash != s.looks[0].hash {
			return false
		}
	}
	return true
}

// proven reports whether the difference has lasted long enough: see the package's comment.
func (s *suspect) proven() bool {
	need := 1
	for _, l := range s.looks {
		switch {
		case !l.there:
			need = max(need, roundsMissing)
		case l.version == "":
			need = max(need, roundsUnversioned)
		}
	}
	return s.lasted >= need
}

// How many rounds a difference must last when a row has no version that would tell that it was written: because
// it isn't there, or on a server that has none.
const (
	roundsMissing     = 2
	roundsUnversioned = 5
)

// subject is a table whose suspects are under way.
type subject struct {
	*Selection
	members  []Member // those that have the table
	suspects []*suspect
	result   *TableResult
}

// settle looks at the suspects of all tables again until each is cleared, proven, or ctx has ended; those that
// are left then are undecided. The error is of what couldn't be read; the end of ctx isn't one.
func settle(ctx context.Context, members []Member, subjects []*subject, atRest bool) (reason string, err error) {
	if err := lookAll(ctx, subjects); err != nil {
		return ended(ctx, err)
	}
	for remaining(subjects) > 0 {
		if !atRest {
			if err := deliver(ctx, members); err != nil {
				return ended(ctx, err)
			}
			if err := lookAll(ctx, subjects); err != nil {
				return ended(ctx, err)
			}
		}
		for _, s := range subjects {
			s.suspects = slices.DeleteFunc(s.suspects, func(x *suspect) bool {
				if !atRest && !x.proven() {
					return false
				}
				s.result.Different = append(s.result.Different, s.difference(x))
				return true
			})
		}
	}
	return "", nil
}

// ended tells the end of the time apart from errors.
func ended(ctx context.Context, err error) (string, error) {
	if ctx.Err() != nil {
		return err.Error(), nil
	}
	return "", err
}

func remaining(subjects []*subject) (n int) {
	for _, s := range subjects {
		n += len(s.suspects)
	}
	return n
}

// lookAll reads the suspects in all regions, clears those that are the same everywhere, and counts for how many
// rounds the others weren't written.
func lookAll(ctx context.Context, subjects []*subject) error {
	for _, s := range subjects {
		if len(s.suspects) == 0 {
			continue
		}
		if err := s.look(ctx); err != nil {
			return err
		}
		s.suspects = slices.DeleteFunc(s.suspects, (*suspect).same)
	}
	return nil
}

func (s *subject) look(ctx context.Context) error {
	index := make(map[string]int, len(s.suspects))
	for i, x := range s.suspects {
		index[s.key(x.key).Row] = i
	}
	keys := make([][][]string, len(s.members)) // all of them first: looking fills in regions' own
	for m := range s.members {
		keys[m] = s.ownKeys(m)
	}
	found := make([][]look, len(s.members))
	group, ctx := errgroup.WithContext(ctx)
	for m, member := range s.members {
		group.Go(func() error {
			rows, err := member.Look(ctx, s.Selection, keys[m])
			if err != nil {
				return fmt.Errorf("region %s: look at rows of %s: %w", member.Name(), s.TableName, err)
			}
			found[m] = make([]look, len(s.suspects))
			for i := range rows {
				if at, ok := index[s.key(rows[i].Key).Row]; ok {
					found[m][at] = look{true, rows[i].Hash, rows[i].Version}
					s.suspects[at].own[m] = rows[i].own()
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, x := range s.suspects {
		looks := make([]look, len(found))
		for m := range found {
			looks[m] = found[m][i]
		}
		if slices.Equal(looks, x.looks) {
			x.lasted++
		} else {
			x.lasted = 0
		}
		x.looks = looks
	}
	return nil
}

// ownKeys are the suspects' keys in a region's own texts. Where the row wasn't there yet, they're taken over from a
// region that has it; what can't be taken over can't be there.
func (s *subject) ownKeys(m int) (keys [][]string) {
	to := s.members[m].Name()
	for _, x := range s.suspects {
		if x.own[m] != nil {
			keys = append(keys, x.own[m])
			continue
		}
		for other, own := range x.own {
			if own == nil {
				continue
			}
			if key, fits := s.Forms(s.members[other].Name()).carryKey(to, own); fits {
				keys = append(keys, key)
			}
			break
		}
	}
	return keys
}

// deliver returns when every transaction that was committed anywhere before the call has been applied
// everywhere: steps 2 to 4 of the package's comment.
func deliver(ctx context.Context, members []Member) error {
	published := make([]*told, len(members))
	group, each := errgroup.WithContext(ctx)
	for i, m := range members {
		group.Go(func() error {
			p, err := m.Position(each)
			if err != nil {
				return fmt.Errorf("region %s: read its log's position: %w", m.Name(), err)
			}
			published[i], err = await(each, m.Topic, m.Name(), func(t *told) bool { return t.reached(p) })
			if err != nil {
				return fmt.Errorf("wait until region %s has published its log up to %s (is its bridge running?): %w", m.Name(), p, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	group, each = errgroup.WithContext(ctx)
	for i, m := range members {
		var due change.Vector
		for j, t := range published {
			if j != i {
				due = due.With(t.Origin, t.Seq)
			}
		}
		group.Go(func() error {
			if _, err := await(each, m.Topic, m.Name(), func(t *told) bool { return t.Vector.Covers(due) }); err != nil {
				return fmt.Errorf("wait until region %s has applied %s (bridge status tells how far it is): %w", m.Name(), due, err)
			}
			return nil
		})
	}
	return group.Wait()
}
