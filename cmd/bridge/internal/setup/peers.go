package setup

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bridge/change"
	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/show"
	"bridge/compare"
	"bridge/config"
	"bridge/internal/preflight"
)

// checkPeers compares this region with others. Regions must begin as equal: what was different before bridge
// ran stays so. Rows can be compared here only while nothing is on its way; otherwise "bridge compare" does it.
func checkPeers(ctx context.Context, s *shell.Session, c *config.Config, files []string) ([]preflight.Finding, error) {
	all, err := s.OtherRegions(c, files)
	if err != nil {
		return nil, err
	}
	members, closeAll, err := engines.OpenMembers(ctx, all, "check")
	defer closeAll()
	if err != nil {
		return nil, err
	}
	regions := make([]compare.Region, len(members))
	for i, m := range members {
		regions[i] = m.Region
	}
	tables, err := compare.Definitions(ctx, regions)
	if err != nil {
		return nil, shell.Environment(err)
	}
	limits, err := compare.Limits(ctx, regions)
	if err != nil {
		return nil, shell.Environment(err)
	}
	findings := append(definitionFindings(tables), limitFindings(limits)...)
	keys, err := checkKeys(ctx, all, regions)
	if err != nil {
		return nil, shell.Environment(err)
	}
	findings = append(findings, keys...)
	running, err := runningBridge(ctx, all)
	if err != nil {
		return nil, shell.Environment(err)
	}
	if running != "" {
		return append(findings, preflight.Finding{Level: preflight.Note, Object: "rows",
			Text: "weren't compared: the bridge of region " + running + " is running, and rows may be on their way", Fix: `run "bridge compare"`}), nil
	}
	result, err := compare.Run(ctx, members, compare.Options{AtRest: true})
	if err != nil {
		return nil, shell.Environment(err)
	}
	return append(findings, rowFindings(result)...), nil
}

// equalRows is the finding that there's none.
func equalRows(r *compare.Result) preflight.Finding {
	rows := int64(0)
	for _, t := range r.Tables {
		rows += t.Rows[r.Regions[0]]
	}
	return preflight.Finding{Level: preflight.Note, Object: "rows",
		Text: fmt.Sprintf("are the same in %s: %s in %s", strings.Join(r.Regions, ", "), show.Count(rows, "row"), show.Count(len(r.Tables), "table"))}
}

// limitFindings tell which values of one region's columns another's can't hold.
func limitFindings(tables map[change.TableName][]string) (findings []preflight.Finding) {
	for _, name := range tableNames(tables) {
		for _, limit := range tables[name] {
			findings = append(findings, preflight.Finding{Level: preflight.Note, Object: name.String(), Text: limit,
				Fix: "such a value stops its region's transactions, unless tables.on_unrepresentable says otherwise (docs/types.md)"})
		}
	}
	return findings
}

func tableNames(tables map[change.TableName][]string) []change.TableName {
	return slices.SortedFunc(maps.Keys(tables), func(a, b change.TableName) int { return strings.Compare(a.String(), b.String()) })
}

func definitionFindings(tables map[change.TableName][]string) (findings []preflight.Finding) {
	for _, name := range tableNames(tables) {
		for _, difference := range tables[name] {
			findings = append(findings, preflight.Finding{Level: preflight.Error, Object: name.String(),
				Text: "isn't defined alike in the regions: " + difference,
				Fix:  "make the definitions equal in all regions, or exclude the table in all of them under tables.exclude"})
		}
	}
	return findings
}

// runningBridge names a region whose database a bridge uses, if there's one.
func runningBridge(ctx context.Context, all []*config.Config) (string, error) {
	for _, c := range all {
		running, err := engines.Of(c).Running(ctx)
		if err != nil {
			return "", fmt.Errorf("region %s: %w", c.Region, err)
		}
		if running {
			return c.Region, nil
		}
	}
	return "", nil
}

func rowFindings(r *compare.Result) (findings []preflight.Finding) {
	if r.Verdict == compare.Equal {
		return []preflight.Finding{equalRows(r)}
	}
	for _, t := range r.Tables {
		if len(t.Different) == 0 {
			continue
		}
		first := &t.Different[0]
		findings = append(findings, preflight.Finding{Level: preflight.Error, Object: t.Table,
			Text: fmt.Sprintf("%s between the regions, such as (%s) = (%s): %s; bridge ships changes, not what was there before",
				show.Verdict(t), strings.Join(t.Key, ", "), strings.Join(first.Key, ", "), show.Difference(first)),
			Fix: `load the table in every region from one of them while nobody writes; if bridge has run here before, rows may be on their way: start it in every region and run "bridge compare"`})
	}
	return findings
}
