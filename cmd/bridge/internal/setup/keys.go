package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bridge/change"
	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/settings"
	"bridge/compare"
	"bridge/config"
	"bridge/internal/mysql"
	mypreflight "bridge/internal/mysql/preflight"
	"bridge/internal/preflight"
	"bridge/value"
)

// checkKeys compares the regions' constraints: where they differ, regions can show different rows. regions are those of all.
func checkKeys(ctx context.Context, all []*config.Config, regions []compare.Region) ([]preflight.Finding, error) {
	var constraints []preflight.RegionConstraints
	var tables [][]compare.Table
	for i, c := range all {
		list, err := engines.ConstraintsOf(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", c.Region, err)
		}
		defined, err := regions[i].Tables(ctx)
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", c.Region, err)
		}
		constraints, tables = append(constraints, preflight.RegionConstraints{Region: c.Region, Tables: list}), append(tables, defined)
	}
	findings := preflight.Differences(constraints)
	for _, t := range constraints[0].Tables {
		for i := range t.Unique {
			if u := &t.Unique[i]; u.Untold == "" {
				findings = append(findings, unlikeTexts(t.Between, u, all, tables)...)
			}
		}
	}
	return findings, nil
}

// unlikeTexts finds texts of a unique key that the first region holds equal and another engine's region doesn't, or the other way round. What
// the first region's own check tells already is left out.
func unlikeTexts(table change.TableName, u *preflight.Unique, all []*config.Config, tables [][]compare.Table) (findings []preflight.Finding) {
	for _, k := range u.Columns {
		own := definedColumn(tables[0], table, k.Between)
		for i := range all[1:] {
			peer := definedColumn(tables[i+1], table, k.Between)
			if own == nil || peer == nil || peer.Value.Engine == own.Value.Engine {
				continue
			}
			told := own.Value.Engine != value.Postgres && value.CheckKey(own.Value, peer.Value.Engine) != nil
			err := value.SameKey(own.Value, peer.Value)
			if told || err == nil {
				continue
			}
			findings = append(findings, preflight.Finding{Level: preflight.Warning, Object: table.String(),
				Text: fmt.Sprintf("unique key (%s), column %q in %s and %s: %v; a region that holds two texts equal parks a row that the other one shows", u.Key(), k.Between, all[0].Region, all[i+1].Region, err),
				Fix:  exactTexts(table, all[0], own, all[i+1], peer)})
		}
	}
	return findings
}

func definedColumn(tables []compare.Table, table change.TableName, column string) *compare.Column {
	for i := range tables {
		if tables[i].TableName != table {
			continue
		}
		columns := tables[i].Columns
		if c := slices.IndexFunc(columns, func(c compare.Column) bool { return c.Name == column }); c >= 0 {
			return &columns[c]
		}
	}
	return nil
}

// exactTexts are the statements that make a text equal to itself alone in two regions, as it is to PostgreSQL.
func exactTexts(table change.TableName, a *config.Config, own *compare.Column, b *config.Config, peer *compare.Column) string {
	var fixes []string
	for _, r := range []struct {
		c      *config.Config
		column *compare.Column
	}{{a, own}, {b, peer}} {
		names, err := settings.Names(r.c)
		if err != nil || r.column.Value.Engine == value.Postgres || r.column.Value.Class != value.Text {
			continue
		}
		local, err := names.Local(table)
		if err != nil {
			continue
		}
		column, err := names.LocalColumn(local, r.column.Name)
		if err != nil {
			continue
		}
		full, _, _ := strings.Cut(r.column.Type, " collate ")
		fixes = append(fixes, fmt.Sprintf("in %s: ALTER TABLE %s MODIFY %s %s; with the rest of the column's definition (DEFAULT, COMMENT)", r.c.Region, mysql.QuoteTable(local), mysql.Quote(column),
			mypreflight.ExactText(full, r.column.NotNull, r.column.Value.Engine == value.MariaDB)))
	}
	if fixes == nil {
		return "give the column types that hold the same values equal, in every region"
	}
	return strings.Join(fixes, "; ")
}
