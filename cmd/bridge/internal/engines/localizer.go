package engines

import (
	"context"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	applymysql "bridge/apply/mysql"
	applypg "bridge/apply/postgres"
	"bridge/cmd/bridge/internal/settings"
	"bridge/config"
)

// Localizer brings rows of other engines into this region's form.
type Localizer interface {
	apply.Localizer
	Close(ctx context.Context) error
}

// asLogged is the localizer of a mesh of one engine.
type asLogged struct{ apply.AsLogged }

func (asLogged) Close(context.Context) error { return nil }

// LocalizerOf is what a region needs of that: nothing in a mesh of one engine. Close it.
func LocalizerOf(c *config.Config) (Localizer, error) {
	if len(settings.OtherEngines(c)) == 0 {
		return asLogged{}, nil
	}
	return Of(c).localizer()
}

// localizer is [Database]'s.
func (d postgresDatabase) localizer() (Localizer, error) {
	b, err := settings.TranslationOf(d.c)
	if err != nil {
		return nil, err
	}
	own := func(string) (*pgx.ConnConfig, error) { return d.server().Config(d.session("rules")) }
	return applypg.NewTarget(own, nil, apply.Inward{Names: b.Names, Policy: b.Policy}), nil
}

// localizer is [Database]'s.
func (d mysqlDatabase) localizer() (Localizer, error) {
	b, err := settings.TranslationOf(d.c)
	if err != nil {
		return nil, err
	}
	return applymysql.NewTarget(d.connect, 0, apply.Inward{Names: b.Names, Policy: b.Policy}), nil
}
