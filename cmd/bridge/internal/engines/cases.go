package engines

import (
	"context"
	"io"

	"bridge/casebook"
	casemysql "bridge/casebook/mysql"
	casepg "bridge/casebook/postgres"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/shell"
	"bridge/internal/mysql"
	"bridge/internal/postgres"
)

func (d postgresDatabase) Cases(ctx context.Context) (casebook.Book, error) {
	names, err := settings.Names(d.c)
	if err != nil {
		return nil, err
	}
	return asBook(casepg.Open(ctx, d.server(), d.session("conflicts"), d.c.Cluster, d.c.Region, names))
}

func (d mysqlDatabase) Cases(ctx context.Context) (casebook.Book, error) {
	server, err := d.server()
	if err != nil {
		return nil, err
	}
	names, err := settings.Names(d.c)
	if err != nil {
		return nil, err
	}
	return asBook(casemysql.Open(ctx, server, d.session("conflicts"), d.c.Cluster, d.c.Region, names))
}

func (d postgresDatabase) OperatorGrants(to io.Writer, role string, readOnly bool) error {
	pg, err := d.server().Config(d.session("grants"))
	if err != nil {
		return shell.Usage(err)
	}
	return postgres.Grants{
		Role: role, Database: pg.Database, Include: expressions(d.c.Tables.Include), Exclude: expressions(d.c.Tables.Exclude),
	}.WriteOperator(to, readOnly)
}

func (d mysqlDatabase) OperatorGrants(to io.Writer, role string, readOnly bool) error {
	return mysql.Grants{User: role, Include: expressions(d.c.Tables.Include), Exclude: expressions(d.c.Tables.Exclude)}.WriteOperator(to, readOnly)
}

// asBook keeps a nil pointer from passing for a book.
func asBook[B casebook.Book](book B, err error) (casebook.Book, error) {
	if err != nil {
		return nil, err
	}
	return book, nil
}
