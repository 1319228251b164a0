package engines

import (
	"context"

	"bridge/casebook"
	casemysql "bridge/casebook/mysql"
	casepg "bridge/casebook/postgres"
	"bridge/cmd/bridge/internal/settings"
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

// asBook keeps a nil pointer from passing for a book.
func asBook[B casebook.Book](book B, err error) (casebook.Book, error) {
	if err != nil {
		return nil, err
	}
	return book, nil
}
