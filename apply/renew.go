package apply

import (
	"context"

	"bridge/change"
	"bridge/visibility"
)

// Turned is told that the policies of constraints are others now: before anything else is applied, or is looked at, they're read anew
// ([Watch.Renew]), and all that's parked is looked at under them. It doesn't block.
func (w *Watch) Turned() {
	w.mu.Lock()
	w.stale = true
	notify := w.notify
	w.mu.Unlock()
	notify()
}

// Renew reads the constraints anew if they're known to be others. Nothing is in flight.
func (w *Watch) Renew(ctx context.Context) error {
	w.mu.Lock()
	stale := w.stale
	w.mu.Unlock()
	if !stale {
		return nil
	}
	return w.reload(ctx)
}

// reload reads the constraints anew, while nothing is in flight: there may be others since. Nobody else changes what's parked then, so
// its values are found without the lock, which capture would wait for.
func (w *Watch) reload(ctx context.Context) error {
	w.mu.Lock()
	w.stale = false
	w.mu.Unlock()
	if w.Read == nil {
		return nil
	}
	catalog, err := w.Read(ctx)
	if err != nil {
		return err
	}
	var parked []visibility.Parked
	keys := w.parking.Keys()
	for _, key := range keys {
		parked = append(parked, *w.parking.Get(key))
	}
	parking, err := w.park(ctx, catalog, parked)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under(catalog, parking, keys)
	return nil
}

// park makes a parking of rows, with the values that they have under a catalog. The database may be asked for each.
func (w *Watch) park(ctx context.Context, catalog visibility.Catalog, parked []visibility.Parked) (*visibility.Parking, error) {
	parking := visibility.NewParking()
	for _, p := range parked {
		t := catalog[p.Key.Table]
		if t == nil {
			t = &visibility.Table{Shape: p.Table}
		}
		m, err := visibility.Mark(ctx, w.forms, t, &p.Row)
		if err != nil {
			return nil, err
		}
		parking.Put(p, m, nil, nil)
	}
	return parking, nil
}

// under begins anew with a catalog, and what's parked as it has it, under those keys: all of it is due.
func (w *Watch) under(catalog visibility.Catalog, parking *visibility.Parking, keys []change.Key) {
	w.catalog, w.parking, w.foreign = catalog, parking, false
	for _, t := range catalog {
		w.foreign = w.foreign || len(t.Foreign) > 0
	}
	w.due.add(keys)
}
