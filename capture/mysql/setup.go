package mysql

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	library "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
)

// facts are the server's settings that matter here.
type facts struct {
	base     string // of the binary logs' names
	gtidMode string // MySQL's; MariaDB's GTIDs are always on
	serverID string
	uuid     string // MySQL's
	lower    bool   // table names are in lower case
}

// byGTID reports whether every group has a GTID, and the log is read by them.
func (f *facts) byGTID() bool { return f.gtidMode == "ON" }

// learnFacts reads them, and refuses a server that can't be captured.
func (c *catalog) learnFacts(ctx context.Context, serverID uint32) (facts, error) {
	if c.mariadb() && !c.version.AtLeast(10, 6, 0) || !c.mariadb() && !c.version.AtLeast(8, 0, 14) {
		return facts{}, fmt.Errorf("%w: this is %s %s; bridge needs MySQL 8.4 or MariaDB 10.11", capture.ErrSetup, c.flavor, c.version)
	}
	gtid := "@@GLOBAL.gtid_mode, @@GLOBAL.server_uuid"
	if c.mariadb() {
		gtid = "'ON', ''"
	}
	row, err := c.one(ctx, "SELECT @@GLOBAL.log_bin, @@GLOBAL.binlog_row_metadata, @@GLOBAL.server_id, @@GLOBAL.lower_case_table_names, "+gtid)
	if err != nil {
		return facts{}, fmt.Errorf("read the server's settings: %w", err)
	}
	switch {
	case row[0] != "1" && row[0] != "ON":
		return facts{}, fmt.Errorf("%w: the server writes no binary log: put log_bin into its option file and restart it", capture.ErrSetup)
	case !strings.EqualFold(row[1], "FULL"):
		return facts{}, fmt.Errorf("%w: binlog_row_metadata is %s, so the log wouldn't tell the columns' names: SET GLOBAL binlog_row_metadata = FULL, "+
			"and put it into the server's option file", capture.ErrSetup, row[1])
	case row[2] == strconv.FormatUint(uint64(serverID), 10):
		return facts{}, fmt.Errorf("%w: server_id %d is the server's own: give bridge another one", capture.ErrSetup, serverID)
	}
	files, err := c.logFiles(ctx)
	if err != nil {
		return facts{}, err
	}
	if len(files) == 0 {
		return facts{}, fmt.Errorf("%w: the server has no binary log", capture.ErrSetup)
	}
	f := facts{gtidMode: row[4], serverID: row[2], lower: row[3] == "1"}
	f.base, _, err = mysql.ParseBinlogFile(path.Base(files[len(files)-1]))
	if err == nil && !c.mariadb() {
		f.uuid, err = parseUUID(row[5])
	}
	return f, err
}

// start is where reading begins.
type start struct {
	at    mysql.BinlogPosition // groups that begin before it don't come
	done  executed             // what the log had up to there; nil to learn it from the file
	link  linkConfig
	check bool // the first group must begin at the position: see [Source.continues]
}

// plan decides how to get to Config.Start: by its GTID set where the server has GTIDs, else by the file.
func (s *Source) plan(ctx context.Context) (start, error) {
	p := s.config.Start
	if p == (change.Position{}) {
		return s.planEnd(ctx)
	}
	at := mysql.DecodePosition(p.Offset)
	done, err := s.parseGTIDs(p.GTID)
	if err != nil {
		return start{}, fmt.Errorf("start position: %w", err)
	}
	switch {
	case p.GTID == "" && !s.catalog.mariadb():
		return s.planFile(ctx, at, nil)
	case !s.facts.byGTID():
		return s.planFile(ctx, at, done)
	}
	if s.catalog.mariadb() {
		there, err := s.checkDomains(ctx, at, done.String())
		if err != nil {
			return start{}, err
		}
		if there { // without gtid_strict_mode numbers may go back, and then a GTID names several places
			return s.planFile(ctx, at, done)
		}
		return s.fromGTIDs(done, at)
	}
	if err := s.checkUUIDs(ctx, done.String()); err != nil {
		return start{}, err
	}
	st, err := s.fromGTIDs(done, at)
	st.check = true
	return st, err
}

// planEnd starts where the log ends now.
func (s *Source) planEnd(ctx context.Context) (start, error) {
	end, err := s.catalog.end(ctx)
	if err != nil {
		return start{}, err
	}
	if s.catalog.mariadb() {
		if end.gtids, err = s.catalog.gtidsAt(ctx, end.file, end.at.Offset); err != nil {
			return start{}, err
		}
	}
	done, err := s.parseGTIDs(end.gtids)
	if err != nil {
		return start{}, err
	}
	switch {
	case s.facts.gtidMode == "OFF": // then the server's set doesn't grow
		return s.planFile(ctx, end.at, done)
	case !s.facts.byGTID():
		return s.planFile(ctx, end.at, nil)
	}
	return s.fromGTIDs(done, end.at)
}

// planFile starts at a place in a file. done is what the log had up to there, nil if that isn't known. When it's to
// be learned, or the protocol's 32 bits don't hold the place, the file is read from its beginning and what was
// dealt with is passed over.
func (s *Source) planFile(ctx context.Context, at mysql.BinlogPosition, done executed) (start, error) {
	files, err := s.catalog.logFiles(ctx)
	if err != nil {
		return start{}, err
	}
	name := at.FileName(s.facts.base)
	if !slices.ContainsFunc(files, func(f string) bool { return path.Base(f) == name }) {
		return start{}, fmt.Errorf("%w: the server has no file %s any more (its oldest is %s): %s", ErrLogPurged, name, path.Base(files[0]), joinAnew)
	}
	if s.facts.gtidMode == "OFF" && done == nil {
		done = &uuidSet{} // no group that's sent has a GTID
	}
	st := start{at: at, done: done, link: linkConfig{file: library.Position{Name: name, Pos: uint32(at.Offset)}}}
	if done == nil || at.Offset > math.MaxUint32 {
		st.link.file.Pos = firstEvent
	}
	return st, nil
}

const joinAnew = "what was in it is lost for the other regions, so join this region anew, and keep logs for longer (binlog_expire_logs_seconds)"

func (s *Source) parseGTIDs(text string) (executed, error) {
	if s.catalog.mariadb() {
		return parseDomainSet(text)
	}
	return parseUUIDSet(text)
}

func (s *Source) fromGTIDs(done executed, at mysql.BinlogPosition) (start, error) {
	set, err := library.ParseGTIDSet(string(s.catalog.flavor), done.String())
	if err != nil {
		return start{}, fmt.Errorf("start position: %w", err)
	}
	return start{at: at, done: done, link: linkConfig{gtids: set}}, nil
}

// checkUUIDs makes sure that a MySQL server's log continues after the groups done. The server notes a
// group as executed a moment after it can be read, so it's given time.
func (s *Source) checkUUIDs(ctx context.Context, done string) error {
	set := mysql.Literal(done)
	row, err := s.catalog.one(ctx, "SELECT GTID_SUBSET(@@GLOBAL.gtid_purged, "+set+"), WAIT_FOR_EXECUTED_GTID_SET("+set+", 5), @@GLOBAL.gtid_executed")
	switch {
	case err != nil:
		return fmt.Errorf("compare the start position with the server's GTIDs: %w", err)
	case row[1] != "0":
		return fmt.Errorf("%w: bridge has read %s, the server has %s only: it was reset, restored, or lost transactions in a failover. %s",
			capture.ErrLogBehind, done, row[2], behindRemedy)
	case row[0] != "1":
		return fmt.Errorf("%w: bridge has read %s, and of what came after it the server has purged some: %s", ErrLogPurged, done, joinAnew)
	}
	return nil
}

const behindRemedy = "Join this region anew"

// checkDomains makes sure that a MariaDB server's log is the one that was read before: that a group ends
// at the place, and that the log had the same groups up to there. there is false when the log hasn't that file (any
// more): then the server itself checks that it has all groups since.
func (s *Source) checkDomains(ctx context.Context, at mysql.BinlogPosition, done string) (there bool, err error) {
	file := at.FileName(s.facts.base)
	files, err := s.catalog.logFiles(ctx)
	if err != nil || at.Offset > math.MaxUint32 || !slices.ContainsFunc(files, func(f string) bool { return path.Base(f) == file }) {
		return false, err
	}
	had, err := s.catalog.gtidsAt(ctx, file, at.Offset)
	if err != nil {
		return false, err
	}
	set, err := parseDomainSet(had)
	if err != nil {
		return false, err
	}
	_, err = s.catalog.query(ctx, fmt.Sprintf("SHOW BINLOG EVENTS IN %s FROM %d LIMIT 1", mysql.Literal(file), at.Offset))
	if err != nil && !mysql.IsError(err, erBinlogEvents) {
		return false, fmt.Errorf("look at the log at the start position: %w", err)
	}
	if set.String() == done && err == nil {
		return true, nil
	}
	if had == "" || err != nil {
		had = "no such place"
	}
	return false, fmt.Errorf("%w: at %s:%d bridge had read up to %s, the server's log has %s there: it was reset, restored, or it's another server's. %s",
		capture.ErrLogBehind, file, at.Offset, done, had, behindRemedy)
}

// erBinlogEvents is the error of SHOW BINLOG EVENTS from where no event begins.
const erBinlogEvents = 1220

// syncer is how the library connects.
func (s *Source) syncer() (replication.BinlogSyncerConfig, error) {
	server := s.config.Server
	network, address := server.Network()
	config := replication.BinlogSyncerConfig{
		ServerID: s.config.ServerID, Flavor: string(s.catalog.flavor), Host: address,
		User: server.User, Password: server.Password, Localhost: s.config.Name,
		HeartbeatPeriod: s.config.IdleInterval, ReadTimeout: s.config.silence, Dialer: server.Dialer().DialContext,
	}
	if network == "unix" {
		return config, nil
	}
	tls, required, err := server.TLS()
	if err != nil {
		return config, err
	}
	if tls != nil && (required || s.catalog.encrypted) {
		config.TLSConfig = tls
	}
	if s.catalog.mariadb() && s.catalog.version.AtLeast(11, 4, 0) { // events inside a group don't tell their place there: all must be sent to be added up
		config.DumpCommandFlag = replication.BINLOG_SEND_ANNOTATE_ROWS_EVENT
	}
	return config, nil
}

// dumpErrors are the server's errors of sending its log; MariaDB has one of its own for two of the same server_id.
var dumpErrors = []uint16{1236, 1373, 4052}

// explain makes a replication error of the server one of this package's.
func (s *Source) explain(err error) error {
	server, ok := errors.AsType[*library.MyError](err)
	if !ok || !slices.Contains(dumpErrors, server.Code) {
		return err
	}
	text := server.Message
	switch {
	case strings.Contains(text, "same server_uuid") || strings.Contains(text, "same server_id"):
		return fmt.Errorf("%w: %d: another replica or bridge reads the log of this server under it, or this bridge's former connection did: "+
			"give each its own server_id (%s)", ErrServerID, s.config.ServerID, text)
	case strings.Contains(text, "is not in the master's binlog"), strings.Contains(text, "has more GTIDs"), strings.Contains(text, "beyond the last event"),
		strings.Contains(text, "impossible position"), strings.Contains(text, "> file size"), strings.Contains(text, "is bigger than the last event"):
		return fmt.Errorf("%w: %s. %s", capture.ErrLogBehind, text, behindRemedy)
	case strings.Contains(text, "purged"), strings.Contains(strings.ToLower(text), "could not find"):
		return fmt.Errorf("%w: %s: %s", ErrLogPurged, text, joinAnew)
	}
	return err
}
