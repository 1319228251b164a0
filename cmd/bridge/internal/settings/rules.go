package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bridge/change"
	"bridge/cmd/bridge/internal/shell"
	"bridge/config"
	"bridge/conflict"
	"bridge/naming"
)

// Rules are the configured conflict rules by the names of tables and columns between the regions, which are those
// in records and in history: what decides.
func Rules(c *config.Config) (*conflict.Rules, error) { return becoming(c, naming.Names{}) }

// LocalRules are the same by this region's own names, to compare with its tables.
func LocalRules(c *config.Config) (*conflict.Rules, error) {
	names, err := Names(c)
	if err != nil {
		return nil, err
	}
	return becoming(c, names)
}

// becoming are the rules on their way to the next ones, if there are any.
func becoming(c *config.Config, names naming.Names) (*conflict.Rules, error) {
	rules, err := rulesUnder(c, names)
	next := c.WithNext()
	if err != nil || next == nil {
		return rules, err
	}
	then, err := rulesUnder(next, names)
	if err != nil {
		return nil, fmt.Errorf("conflicts.next: %w", err)
	}
	if rules, err = rules.Becoming(then); err != nil {
		return nil, shell.Usage(fmt.Errorf("conflicts.next: %w", err))
	}
	return rules, nil
}

func rulesUnder(c *config.Config, names naming.Names) (rules *conflict.Rules, err error) {
	rules = &conflict.Rules{Tables: map[change.TableName]*conflict.Rule{}}
	if rules.Default, err = ruleOf(&config.TableConflicts{}, c, plainNames); err != nil {
		return nil, err
	}
	for _, stream := range slices.Sorted(maps.Keys(c.Conflicts.Tables)) {
		local, err := names.Local(TableName(stream))
		if err != nil {
			return nil, shell.Usage(fmt.Errorf("conflicts.tables.%s: %w", stream, err))
		}
		t := c.Conflicts.Tables[stream]
		if rules.Tables[local], err = ruleOf(&t, c, columnNames(names, local)); err != nil {
			return nil, shell.Usage(fmt.Errorf("conflicts.tables.%s: %w", stream, err))
		}
	}
	rules.Fingerprint = fingerprintOf(&c.Conflicts)
	_, err = Merges(c) // expressions are checked with all else
	return rules, err
}

// fingerprintOf is equal for files that say the same, also to a bridge that knows more settings; empty for the default
// rule alone.
func fingerprintOf(c *config.Conflicts) string {
	if c.Default == config.LastWriteWins && len(c.Tables) == 0 {
		return ""
	}
	text, err := json.Marshal(struct {
		Default string
		Tables  map[string]config.TableConflicts
	}{c.Default, c.Tables})
	var said any
	if err == nil {
		err = json.Unmarshal(text, &said)
	}
	if err == nil {
		text, err = json.Marshal(withoutUnset(said)) // keys are sorted
	}
	if err != nil {
		panic("conflict rules can't be written as JSON: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// withoutUnset leaves out what nobody has set. An empty block is something: columns: {} merges all columns.
func withoutUnset(v any) any {
	block, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for key, value := range block {
		if value == nil || value == "" || value == false {
			delete(block, key)
			continue
		}
		block[key] = withoutUnset(value)
	}
	return block
}

// localName gives a column's name here.
type localName func(column string) (string, error)

func plainNames(column string) (string, error) { return column, nil }

func columnNames(n naming.Names, table change.TableName) localName {
	return func(column string) (string, error) { return n.LocalColumn(table, column) }
}

func ruleOf(t *config.TableConflicts, c *config.Config, local localName) (*conflict.Rule, error) {
	word := t.Rule
	if word == "" {
		word = c.Conflicts.Default
	}
	if word == config.LastWriteWins && t.Deletes == "" && t.Columns == nil && t.Groups == nil {
		return conflict.LastWriteWins, nil
	}
	r := &conflict.Rule{Regions: t.Priority}
	switch word {
	case config.FirstWriteWins:
		r.Order = conflict.EarliestWins
	case config.Priority:
		r.Order = conflict.ByPriority
	case config.Home:
		r.Order = conflict.ByHome
	}
	switch t.Deletes {
	case config.DeleteWins:
		r.Deletes = conflict.DeleteWins
	case config.UpdateWins:
		r.Deletes = conflict.UpdateWins
	}
	var err error
	if r.Home, err = homeOf(t.Home, local); err != nil {
		return nil, err
	}
	return r, columnsOf(r, t, local)
}

func homeOf(h *config.HomeRule, local localName) (*conflict.Home, error) {
	if h == nil {
		return nil, nil
	}
	column, err := local(h.Column)
	home := &conflict.Home{Column: column, Regions: map[string]string{}, Else: h.Else}
	for region, values := range h.Values {
		for _, v := range values {
			home.Regions[strings.TrimRight(v, " ")] = region
		}
	}
	for _, region := range slices.Sorted(maps.Keys(h.Ranges)) {
		from, to, _ := strings.Cut(h.Ranges[region], "..")
		home.Ranges = append(home.Ranges, conflict.Range{From: from, To: to, Region: region})
	}
	return home, err
}

func columnsOf(r *conflict.Rule, t *config.TableConflicts, local localName) error {
	if t.Columns == nil && t.Groups == nil {
		return nil
	}
	r.Columns = map[string]conflict.Column{}
	for name, column := range t.Columns {
		merge, ok := conflict.ParseMerge(column.Merge)
		here, err := local(name)
		if err != nil || !ok {
			return fmt.Errorf("columns.%s: %w", name, err)
		}
		r.Columns[here] = conflict.Column{Merge: merge, Separator: column.Separator, JSON: column.JSON, Reset: column.Reset}
	}
	for _, group := range slices.Sorted(maps.Keys(t.Groups)) {
		var members []string
		for _, name := range t.Groups[group] {
			here, err := local(name)
			if err != nil {
				return fmt.Errorf("groups.%s: %w", group, err)
			}
			members = append(members, here)
		}
		r.Groups = append(r.Groups, members)
	}
	return nil
}
