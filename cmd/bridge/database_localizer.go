package main

import (
	"context"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	applymysql "bridge/apply/mysql"
	applypg "bridge/apply/postgres"
	"bridge/config"
)

// localizer brings rows of other engines into this region's form.
type localizer interface {
	apply.Localizer
	Close(ctx context.Context) error
}

// asLogged is the localizer of a mesh of one engine.
type asLogged struct{ apply.AsLogged }

func (asLogged) Close(context.Context) error { return nil }

// localizerOf is the localizer of a region.
func localizerOf(c *config.Config) (localizer, error) {
	if len(otherEngines(c)) == 0 {
		return asLogged{}, nil
	}
	return databaseOf(c).localizer()
}

// localizer is [regionDatabase]'s.
func (d postgresDatabase) localizer() (localizer, error) {
	b, err := betweenRegions(d.c)
	if err != nil {
		return nil, err
	}
	own := func(string) (*pgx.ConnConfig, error) { return d.server().Config(d.session("rules")) }
	return applypg.NewTarget(own, nil, apply.Inward{Names: b.names, Policy: b.policy}), nil
}

// localizer is [regionDatabase]'s.
func (d mysqlDatabase) localizer() (localizer, error) {
	b, err := betweenRegions(d.c)
	if err != nil {
		return nil, err
	}
	return applymysql.NewTarget(d.connect, 0, apply.Inward{Names: b.names, Policy: b.policy}), nil
}
