package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// TestFenceEndsItsWaiters: a session that ends leaves nobody waiting for a barrier that nobody will read, and doesn't
// close the connection under the barrier that is being written. (The race detector sees the latter.)
func TestFenceEndsItsWaiters(t *testing.T) {
	db := servertest.Database(t, 15)
	for range 20 {
		config, err := pgx.ParseConfig(db.SocketDSN())
		if err != nil {
			t.Fatal(err)
		}
		f, err := NewFence(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		began, errs := make(chan struct{}, 3), make(chan error, 3)
		for range 3 {
			go func() {
				began <- struct{}{}
				_, err := f.Raise(ctx, 0)
				errs <- err
			}()
		}
		<-began
		closing, done := context.WithTimeout(t.Context(), time.Minute)
		if err := f.Close(closing); err != nil {
			t.Logf("close: %v", err) // the connection may have ended with the barrier
		}
		done()
		cancel()
		for range 3 {
			if err := <-errs; err == nil {
				t.Fatal("a barrier that nobody has read was taken for read")
			}
		}
		if _, err := f.Raise(t.Context(), 0); err == nil {
			t.Fatal("a barrier was raised on a closed fence")
		}
	}
}

// TestBarriersWaitForNoStandby: a barrier must be in this server's log, not in a standby's, or nothing of the other
// regions could be applied while a synchronous standby is away.
func TestBarriersWaitForNoStandby(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true, Settings: map[string]string{"synchronous_standby_names": "nobody"}})
	config, err := pgx.ParseConfig(server.SocketDSN("postgres", testserver.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFence(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := f.write(ctx, f.rounds.Barrier(&round{})); err != nil {
		t.Errorf("a barrier waits for a standby: %v", err)
	}
	if err := f.Close(ctx); err != nil {
		t.Error(err)
	}
}
