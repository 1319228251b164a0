package sim

import (
	"maps"

	"bridge/apply"
	"bridge/capture"
	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"
	"bridge/visibility"
)

// database is a model of one region's database: what is committed and visible, who holds which lock, and
// the log. Transactions read what is committed (READ COMMITTED) and wait for locks; whoever would wait is
// told so and tries again later.
type database struct {
	world   *world
	initial map[change.Key]change.Image
	state
	sessions []*session // open transactions
	log      []logged
	flushed  int // records of the log that a crash can't take
	finished int // no local transaction that others can see is logged at or after this place
	released int // records of the log that the database may have removed
	cut      history.Cut
}

// state is what a crash recovery computes anew from the log.
type state struct {
	rows     map[change.Key]change.Image
	progress map[change.Origin]loopguard.Marker
	applied  map[change.Dot]bool // for I3, no database has it
	records  []conflict.Record
	parked   map[change.Key]visibility.Parked
}

// logged is one committed transaction in the log.
type logged struct {
	kind       capture.Kind
	commit     change.Timestamp
	operations []change.Operation
	effects    []effect
	marker     loopguard.Marker
	barrier    loopguard.Barrier
	applied    []*change.Transaction // of an echo
	records    []conflict.Record
	put        []visibility.Parked
	away       []change.Key
	seen       change.Vector // of a local one: the truth about what it had seen
}

// effect is what a transaction leaves of one row; Image nil is no row.
type effect struct {
	key   change.Key
	image change.Image
}

// session is an open transaction.
type session struct {
	db        *database
	effects   []effect
	locked    map[change.Key]bool
	shared    map[change.Key]bool       // parents that can't be deleted by others meanwhile
	kept      map[change.Key]bool       // parents that can't be written by others meanwhile, but shared
	values    map[held]bool             // unique values that others can't take meanwhile
	touched   map[change.TableName]bool // tables that can't be truncated by others meanwhile
	exclusive map[change.TableName]bool // tables that others can't touch meanwhile
	unparks   []change.Key              // rows of bridge.parked that others can't write meanwhile
	seen      change.Vector             // what was visible when it began
	place     int                       // after its record in the log, once it's committed
}

func newDatabase(w *world, initial map[change.Key]change.Image) *database {
	db := &database{world: w, initial: initial}
	db.recover()
	return db
}

// recover computes the state from the log.
func (db *database) recover() {
	db.state = state{
		rows:     maps.Clone(db.initial),
		progress: map[change.Origin]loopguard.Marker{},
		applied:  map[change.Dot]bool{},
		parked:   map[change.Key]visibility.Parked{},
	}
	for i := range db.log {
		db.show(&db.log[i])
	}
}

// show makes a logged transaction visible.
func (db *database) show(l *logged) {
	for _, e := range l.effects {
		if e.image == nil {
			delete(db.rows, e.key)
		} else {
			db.rows[e.key] = e.image
		}
	}
	for _, key := range l.away {
		delete(db.parked, key)
	}
	if l.kind == capture.Echo {
		db.progress[l.marker.Origin] = l.marker
		for _, tx := range l.applied {
			db.applied[tx.Dot] = true
		}
		db.records = append(db.records, l.records...)
		for _, p := range l.put {
			db.parked[p.Key] = p
		}
	}
}

// crash takes the unflushed tail of the log and all open transactions.
func (db *database) crash() {
	db.log = db.log[:db.flushed:db.flushed]
	db.sessions = nil
	db.finished = len(db.log)
	db.recover()
}

func (db *database) append(l logged) int {
	db.log = append(db.log, l)
	return len(db.log)
}

// raise commits a barrier, which flushes the log, and returns the place after it.
func (db *database) raise(floor change.Timestamp) int {
	place := db.append(logged{kind: capture.Barrier, barrier: loopguard.Barrier{Floor: floor}})
	db.flushed = place
	return place
}

func (db *database) seen() change.Vector {
	var v change.Vector
	for o, m := range db.progress {
		v = v.With(o, m.Seq)
	}
	return v
}

func (db *database) begin() *session {
	s := &session{
		db: db, locked: map[change.Key]bool{}, shared: map[change.Key]bool{}, kept: map[change.Key]bool{}, values: map[held]bool{}, touched: map[change.TableName]bool{},
		exclusive: map[change.TableName]bool{}, seen: db.seen(),
	}
	db.sessions = append(db.sessions, s)
	return s
}

// end forgets the session and its locks.
func (s *session) end() {
	for i, o := range s.db.sessions {
		if o == s {
			s.db.sessions = append(s.db.sessions[:i:i], s.db.sessions[i+1:]...)
			return
		}
	}
}

// row is what the session sees.
func (s *session) row(key change.Key) change.Image {
	for i := len(s.effects) - 1; i >= 0; i-- {
		if s.effects[i].key == key {
			return s.effects[i].image
		}
	}
	return s.db.rows[key]
}

// mayTouch reports whether no other session keeps s out of the table.
func (s *session) mayTouch(t change.TableName) bool {
	for _, o := range s.db.sessions {
		if o != s && o.exclusive[t] {
			return false
		}
	}
	return true
}

// mayLock reports whether s can have the row's lock without waiting.
func (s *session) mayLock(key change.Key) bool {
	for _, o := range s.db.sessions {
		if o != s && (o.exclusive[key.Table] || o.locked[key] || o.shared[key] || o.kept[key]) {
			return false
		}
	}
	return true
}

// mayShare reports whether s can keep others from deleting the row without waiting.
func (s *session) mayShare(key change.Key) bool {
	for _, o := range s.db.sessions {
		if o != s && (o.exclusive[key.Table] || o.locked[key]) {
			return false
		}
	}
	return true
}

// mayKeep reports whether s can keep others from writing the row without waiting.
func (s *session) mayKeep(key change.Key) bool {
	for _, o := range s.db.sessions {
		if o != s && (o.exclusive[key.Table] || o.locked[key] || o.kept[key]) {
			return false
		}
	}
	return true
}

func (s *session) mayTruncate(t change.TableName) bool {
	for _, o := range s.db.sessions {
		if o == s {
			continue
		}
		if o.exclusive[t] || o.touched[t] {
			return false
		}
		for parent := range o.shared {
			if parent.Table == t {
				return false
			}
		}
	}
	return true
}

func (s *session) set(key change.Key, image change.Image) {
	s.touched[key.Table] = true
	s.locked[key] = true
	for _, v := range append(s.db.world.holds(key, s.row(key)), s.db.world.holds(key, image)...) {
		s.values[v] = true
	}
	s.effects = append(s.effects, effect{key, image})
}

func (s *session) truncate(t change.TableName) {
	s.touched[t] = true
	s.exclusive[t] = true
	keys := map[change.Key]bool{}
	for k := range s.db.rows {
		keys[k] = true
	}
	for _, e := range s.effects {
		keys[e.key] = true
	}
	for k := range keys {
		if k.Table == t && s.row(k) != nil {
			s.effects = append(s.effects, effect{k, nil})
		}
	}
}

// refusal is why the database doesn't take a row; empty where it does.
type refusal string

const (
	accepted refusal = ""
	taken    refusal = "meeting another row" // that has one of its values
	unfit    refusal = "refused by a check"
)

// write does one write of a batch. wait says that it would wait for a lock: nothing was done. found says
// whether there was a row, and is true for writes that need none.
func (s *session) write(w *apply.Write) (found, wait bool, refused refusal) {
	if w.Kind == apply.Truncate || w.Kind == apply.Lock {
		if !s.mayTruncate(w.Key.Table) {
			return false, true, accepted
		}
		if s.touched[w.Key.Table], s.exclusive[w.Key.Table] = true, true; w.Kind == apply.Truncate {
			s.truncate(w.Key.Table)
		}
		return true, false, accepted
	}
	if !s.mayTouch(w.Key.Table) {
		return false, true, accepted
	}
	s.touched[w.Key.Table] = true
	row := s.row(w.Key)
	if w.Kind != apply.Upsert && row == nil {
		return false, false, accepted
	}
	if !s.mayLock(w.Key) {
		return false, true, accepted
	}
	image := w.Image
	switch w.Kind {
	case apply.Update:
		image = w.Image.Over(row)
	case apply.Delete:
		image = nil
	}
	switch meets, wait := s.mayHold(w.Key, image); {
	case wait:
		return true, true, accepted
	case meets:
		return true, false, taken
	case !s.db.world.plan.constraints.fits(image):
		return true, false, unfit
	}
	s.set(w.Key, image)
	return true, false, accepted
}

// commit logs the transaction; others see it, and get its locks, from finish on.
func (s *session) commit(l logged) {
	l.effects, l.seen = s.effects, s.seen
	s.place = s.db.append(l)
}

// finish makes a committed transaction visible and frees its locks.
func (s *session) finish() {
	l := &s.db.log[s.place-1]
	s.db.show(l)
	if l.kind == capture.Local {
		s.db.finished = max(s.db.finished, s.place)
	}
	s.end()
}
