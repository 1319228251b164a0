package mysql

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
)

// A log file of more than 4 GiB, as one huge transaction makes it: headers count places modulo 2^32, and the protocol
// can't ask for later ones. The huge transaction is stood in for by events that a replica ignores, in a hole of the file.
func TestLogFilesBeyondFourGiB(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 4 GiB")
	}
	b := newServerBed(t, testserver.FlavorMySQL, map[string]string{"gtid_mode": "OFF", "binlog_checksum": "NONE"}, "CREATE TABLE t (id int PRIMARY KEY)")
	b.exec("FLUSH BINARY LOGS", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)")
	logs := b.query("SHOW BINARY LOGS")
	file, _, _ := strings.Cut(logs[len(logs)-1], "\t")
	_, number, err := mysql.ParseBinlogFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var groups []int64 // where they begin
	for _, e := range b.query("SHOW BINLOG EVENTS IN '" + file + "'") {
		if f := strings.Split(e, "\t"); f[2] == "Anonymous_Gtid" {
			at, _ := strconv.ParseInt(f[1], 10, 64)
			groups = append(groups, at)
		}
	}
	b.exec("FLUSH BINARY LOGS")
	b.exec("INSERT INTO t VALUES (4)")

	beyond := uint64(stretch(t, filepath.Join(b.server.DataDir(), file), groups[2], 4<<30))
	offset, err := mysql.BinlogPosition{File: number, Offset: beyond}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := b.openAt(change.Position{Offset: offset})
	ctx, cancel := context.WithTimeout(t.Context(), 10*patienceTime) // the server sends all of it
	defer cancel()
	first, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(append([]capture.Event{first}, b.drain(s)...)); !slices.Equal(got, []string{"3", "4"}) {
		t.Fatalf("%v came", got)
	}
	if end := mysql.DecodePosition(first.Position.Offset); end.File != number || end.Offset <= beyond || end.Offset > beyond+1000 {
		t.Errorf("the third row's transaction, which begins at %d, ends at %s", beyond, end)
	}
}

// stretch moves what a log file has from a place on by at least so many bytes, and fills the gap with events that
// replicas ignore. It returns the place's new one.
func stretch(t *testing.T, name string, from, by int64) int64 {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const header, ignorable, size = 19, 0x80, 1 << 20
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(from); err != nil {
		t.Fatal(err)
	}
	write := func(e []byte, at, end int64) {
		binary.LittleEndian.PutUint32(e[13:], uint32(end))
		if _, err := f.WriteAt(e, at); err != nil {
			t.Fatal(err)
		}
	}
	at := from
	for ; at < from+by; at += size {
		head := slices.Clone(content[from : from+header])
		head[4] = byte(replication.IGNORABLE_EVENT)
		binary.LittleEndian.PutUint32(head[9:], size)
		binary.LittleEndian.PutUint16(head[17:], ignorable)
		write(head, at, at+size)
	}
	moved := at
	for rest := content[from:]; len(rest) > 0; {
		e := rest[:binary.LittleEndian.Uint32(rest[9:])]
		write(e, at, at+int64(len(e)))
		at += int64(len(e))
		rest = rest[len(e):]
	}
	return moved
}
