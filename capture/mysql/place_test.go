package mysql

import (
	"encoding/binary"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"
	"pgregory.net/rapid"
)

func rotateTo(name string, at uint64, flags uint16) event {
	return event{typ: replication.ROTATE_EVENT, flags: flags, rotate: &replication.RotateEvent{NextLogName: []byte(name), Position: at}}
}

func heartbeatAt(file string, at uint64) event {
	e := event{typ: replication.HEARTBEAT_EVENT, size: 39, end: uint32(at), body: []byte(file)}
	if at>>32 > 0 { // as MariaDB does
		e.end, e.body = 0, append(binary.LittleEndian.AppendUint64(nil, at), file...)
	}
	return e
}

// Headers have 32 bits of an event's end, files have more; or they have none (MariaDB from 11.4 on).
func TestPlacesBeyondFourGiB(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trailer := rapid.SampledFrom([]uint64{0, 4}).Draw(t, "checksum")
		p := &place{}
		move := func(e event) {
			if err := p.move(e); err != nil {
				t.Fatal(err)
			}
		}
		move(rotateTo("binlog.000007", 4, artificial))
		at := uint64(4)
		for i := range rapid.IntRange(1, 40).Draw(t, "events") {
			size := rapid.SampledFrom([]uint32{19, 20, 8192, 1 << 30, 1<<31 + 5}).Draw(t, "size")
			at += uint64(size) + trailer
			end := uint32(at)
			if i > 0 && rapid.Bool().Draw(t, "silent") {
				end = 0
			}
			move(event{typ: replication.QUERY_EVENT, size: size, end: end})
			if p.offset != at {
				t.Fatalf("at %d, want %d", p.offset, at)
			}
			if rapid.Bool().Draw(t, "heartbeat") {
				move(heartbeatAt("binlog.000007", at))
			}
		}
		if p.offset != at || p.number != 7 {
			t.Fatalf("at %d:%d, want 7:%d", p.number, p.offset, at)
		}
	})
}

func TestPlaceFollowsRotations(t *testing.T) {
	p := &place{}
	for _, step := range []struct {
		e    event
		file string
		at   uint64
	}{
		{rotateTo("binlog.000009", 4, artificial), "binlog.000009", 4},
		{event{typ: replication.FORMAT_DESCRIPTION_EVENT, size: 122}, "binlog.000009", 4}, // repeated at the stream's beginning
		{heartbeatAt("binlog.000009", 157), "binlog.000009", 157},
		{event{typ: replication.GTID_EVENT, size: 79, end: 236}, "binlog.000009", 236},
		{rotateTo("binlog.000010", 4, 0), "binlog.000010", 4},
		{heartbeatAt("binlog.000009", 283), "binlog.000010", 4}, // the server hasn't opened the next one yet
		{rotateTo("binlog.000010", 4, artificial), "binlog.000010", 4},
		{event{typ: replication.FORMAT_DESCRIPTION_EVENT, size: 122, end: 126}, "binlog.000010", 126},
		{event{typ: replication.PREVIOUS_GTIDS_EVENT, size: 71, end: 197}, "binlog.000010", 197},
		{heartbeatAt("binlog.000010", 6<<32|5), "binlog.000010", 6<<32 | 5},
		{event{typ: replication.HEARTBEAT_EVENT, size: 40, end: 7, body: []byte("binlog.000010")}, "binlog.000010", 6<<32 | 7}, // as MySQL does
	} {
		if err := p.move(step.e); err != nil || p.file() != step.file || p.offset != step.at {
			t.Errorf("after event %v of %d bytes at %s:%d (%v), want %s:%d", step.e.typ, step.e.size, p.file(), p.offset, err, step.file, step.at)
		}
	}
	if err := p.move(rotateTo("binlog", 4, 0)); err == nil {
		t.Error("a file without a number was taken")
	}
	if err := p.move(event{typ: replication.HEARTBEAT_EVENT, body: []byte("short")}); err == nil {
		t.Error("a heartbeat without a place was taken")
	}
}
