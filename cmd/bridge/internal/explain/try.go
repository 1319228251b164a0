package explain

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"bridge/change"
	"bridge/chronicle"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/show"
	"bridge/config"
	"bridge/history"
)

// rulesTry is "bridge rules try".
type rulesTry struct {
	File   string   `arg:"" help:"A configuration file of this region with the changed rules; only its conflicts are looked at."`
	Tables []string `placeholder:"PATTERN" help:"Only these tables, such as public.users or sales.*, by their names between the regions."`
	Values bool     `help:"Show the columns' values, too."`
	Limit  int      `short:"n" default:"1000" help:"List so many conflicts at most (${default}); all are counted."`
	pastFlags
}

// Run is called by kong.
func (cmd *rulesTry) Run(ctx context.Context, s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	other, err := config.Load(cmd.File, s.Outside)
	if err != nil {
		return shell.Usage(err)
	}
	current, err := settings.Rules(c)
	if err != nil {
		return err
	}
	if next := other.WithNext(); next != nil {
		other = next // those are the ones in question
	}
	changed, err := settings.Rules(other)
	if err != nil {
		return err
	}
	if other.Cluster != c.Cluster {
		return shell.Usage(fmt.Errorf("%s is of cluster %s, %s of cluster %s", cmd.File, other.Cluster, s.Flags.Config, c.Cluster))
	}
	only := config.Tables{Include: cmd.Tables}
	of := func(t change.TableName) bool { return len(cmd.Tables) == 0 || only.Match(t.Schema, t.Name) }
	policies, err := tryPolicies(ctx, c, other, of)
	if err != nil {
		return err
	}
	past, err := openPast(ctx, c, &cmd.pastFlags, current)
	if err != nil {
		return err
	}
	defer past.Close()
	trial := chronicle.NewTrial(current, changed, past.Unread(), cmd.Limit)
	window := chronicle.NewWindow(settings.Regions(c), func(key change.Key, ops history.Row) {
		if of(key.Table) {
			trial.Row(key, ops)
		}
	})
	if err := past.each(ctx, window.Take); err != nil {
		return err
	}
	window.Flush()
	s.Outcome = cmd.outcome(trial, policies, past.foreign, current.Fingerprint == changed.Fingerprint)
	return nil
}

// TrialResult is what --json shows.
type TrialResult struct {
	Tables    []trialTable    `json:"tables"`
	Conflicts []trialConflict `json:"conflicts"` // that would come out otherwise
	// OtherRules are the transactions that were written under other rules than the current ones.
	OtherRules int `json:"other_rules"`
	// Policies are constraints that would have another policy.
	Policies []*trialPolicy `json:"policies,omitempty"`
}

type trialTable struct {
	Table string `json:"table"`
	chronicle.Count
}

func (cmd *rulesTry) outcome(t *chronicle.Trial, policies []*trialPolicy, foreign int, same bool) shell.Outcome {
	result := &TrialResult{Tables: []trialTable{}, Conflicts: []trialConflict{}, OtherRules: foreign, Policies: policies}
	var sum chronicle.Count
	for _, name := range slices.SortedFunc(maps.Keys(t.Tables), func(a, b change.TableName) int { return strings.Compare(a.String(), b.String()) }) {
		c := t.Tables[name]
		result.Tables = append(result.Tables, trialTable{name.String(), *c})
		sum.Add(c)
	}
	slices.SortStableFunc(t.Differences, func(a, b *chronicle.Difference) int { return cmp.Compare(a.At(), b.At()) })
	for _, d := range t.Differences {
		result.Conflicts = append(result.Conflicts, newTrialConflict(d, cmd.Values))
	}
	summary := fmt.Sprintf("%d of %s would come out otherwise, of %s", sum.Different, show.Count(sum.Conflicts, "conflict"), show.Count(sum.Rows, "row"))
	if same {
		summary += "; the rules are the same in both files"
	}
	return shell.Outcome{Summary: summary, Result: result, Human: func(w io.Writer) error { return writeTrial(w, result, &sum) }}
}
