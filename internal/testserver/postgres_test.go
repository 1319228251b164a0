package testserver

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestQuick(t *testing.T) {
	for _, v := range []int{15, 15, 18, 18} {
		t0 := time.Now()
		p, err := StartPostgres(context.Background(), PostgresOptions{Version: v})
		if err != nil {
			t.Fatal(err)
		}
		t.Log("start", time.Since(t0))
		c, err := pgx.Connect(context.Background(), p.DSN("postgres", "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		var s string
		c.QueryRow(context.Background(), "select version() || (select system_identifier from pg_control_system())").Scan(&s)
		t.Log(s)
		t0 = time.Now()
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		t.Log("close", time.Since(t0))
	}
	t0 := time.Now()
	k, err := StartKafka(t.Context(), KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(k.Addr(), time.Since(t0))
	t0 = time.Now()
	if err := k.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(t0))
	k.Close()
}
