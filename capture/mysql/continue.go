package mysql

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	library "github.com/go-mysql-org/go-mysql/mysql"

	"bridge/capture"
	"bridge/internal/mysql"
)

// continues makes sure that a MySQL server's log goes on where it was read up to, and isn't another one
// with the same names: after RESET BINARY LOGS AND GTIDS the server gives its numbers out anew.
func (s *Source) continues(ctx context.Context, g group) error {
	if !s.from.check {
		return nil
	}
	s.from.check = false
	if g.gtid.source != s.facts.uuid || !strings.Contains(s.config.Start.GTID, s.facts.uuid) {
		return nil // another server's log, after a failover: its files have nothing to do with the ones read before
	}
	start := s.from.at
	first := mysql.DecodePosition(g.began)
	switch {
	case first.File > start.File:
		return s.skipped(ctx, start, first)
	case first == start:
		return nil
	}
	return fmt.Errorf("%w: after %s, which bridge had read up to %s, the log goes on at %s: it was reset in the meantime. %s",
		capture.ErrLogBehind, s.config.Start.GTID, start, first, behindRemedy)
}

// skipped looks for groups without GTIDs, which a server that's asked by GTIDs passes over, in the files before the
// first group that it sent. They're there when GTIDs were off for a time.
func (s *Source) skipped(ctx context.Context, from, to mysql.BinlogPosition) error {
	files, err := s.catalog.logFiles(ctx)
	if err != nil {
		return err
	}
	for at := from; at.File < to.File; at = (mysql.BinlogPosition{File: at.File + 1, Offset: firstEvent}) {
		name := at.FileName(s.facts.base)
		if !slices.ContainsFunc(files, func(f string) bool { return path.Base(f) == name }) {
			continue
		}
		anonymous, err := s.catalog.anonymous(ctx, name, at.Offset)
		if err != nil {
			return err
		}
		if anonymous {
			return fmt.Errorf("%w after %s", errAnonymous, at)
		}
	}
	return nil
}

// A server sends groups of the other kind than its gtid_mode to nobody.
var (
	errAnonymous = fmt.Errorf("%w: gtid_mode is ON, and the log has transactions without GTIDs that bridge hasn't read: "+
		"SET GLOBAL gtid_mode = ON_PERMISSIVE, and ON when bridge has read past them", capture.ErrSetup)
	errNamed = fmt.Errorf("%w: gtid_mode is OFF, and the log has transactions with GTIDs that bridge hasn't read: "+
		"SET GLOBAL gtid_mode = OFF_PERMISSIVE, and OFF when bridge has read past them", capture.ErrSetup)
)

// refused finds out whether the server will go on refusing to send its log. When its gtid_mode has changed since the
// log was opened, opening it again helps.
func (s *Source) refused(ctx context.Context, err error) error {
	refusal, ok := errors.AsType[*library.MyError](err)
	if !ok {
		return err
	}
	anonymous := strings.Contains(refusal.Message, "Cannot replicate anonymous transaction")
	if !anonymous && !strings.Contains(refusal.Message, "Cannot replicate GTID-transaction") {
		return err
	}
	row, errMode := s.catalog.one(ctx, "SELECT @@GLOBAL.gtid_mode")
	switch {
	case errMode != nil || row[0] != s.facts.gtidMode:
		return err
	case anonymous:
		return fmt.Errorf("%w (%s)", errAnonymous, refusal.Message)
	}
	return fmt.Errorf("%w (%s)", errNamed, refusal.Message)
}

// firstEvent is where a log file's first event is.
const firstEvent = 4

// again begins to read at another place.
func (s *Source) again(from start) error {
	s.link.close()
	s.group = group{}
	s.tables.forget()
	return s.read(from)
}
