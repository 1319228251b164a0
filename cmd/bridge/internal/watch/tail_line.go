package watch

import (
	"fmt"
	"time"

	"bridge/change"
	"bridge/cmd/bridge/internal/show"
	"bridge/wire"
)

// streamLine is a transaction, one piece of a large one, a heartbeat, or a baseline.
type streamLine struct {
	Offset int64  `json:"offset"`
	Kind   string `json:"kind"`          // "transaction", "heartbeat" or "baseline"
	Dot    string `json:"dot,omitempty"` // the transaction's name, "origin:seq"
	Origin string `json:"origin"`
	// Seq is the transaction's number; a heartbeat's is the last transaction's.
	Seq uint64 `json:"seq"`
	// Time is the transaction's timestamp, which decides conflicts, or the sender's clock.
	Time       time.Time         `json:"time"`
	CommitTime *time.Time        `json:"commit_time,omitempty"` // by the database's clock
	Vector     map[string]uint64 `json:"vector"`                // what the origin had seen of the others
	Position   string            `json:"position"`              // in the origin's log
	Before     uint32            `json:"before,omitempty"`      // of a piece: how many of the transaction's operations come before
	Last       *bool             `json:"last,omitempty"`        // whether the transaction is complete with it
	Operations []operationLine   `json:"operations,omitempty"`
	Tables     []baselineTable   `json:"tables,omitempty"` // of a baseline
}

// baselineTable is what a table held where the stream begins.
type baselineTable struct {
	Table      string `json:"table"`
	Rows       uint64 `json:"rows"`
	Definition string `json:"definition"` // digests, in hex
	Content    string `json:"content"`
}

func baselineLine(offset int64, h *wire.Header, baseline wire.Baseline) streamLine {
	line := heartbeatLine(offset, h)
	line.Kind = "baseline"
	for _, t := range baseline {
		line.Tables = append(line.Tables, baselineTable{t.TableName.String(), t.Rows, fmt.Sprintf("%016x", t.Definition), fmt.Sprintf("%016x", t.Content)})
	}
	return line
}

// operationLine is one row's change. Columns that the log didn't carry aren't in the images.
type operationLine struct {
	Kind  string       `json:"kind"`
	Table string       `json:"table"`
	Key   []string     `json:"key,omitempty"`
	Old   show.Columns `json:"old,omitempty"`
	New   show.Columns `json:"new,omitempty"`
}

func heartbeatLine(offset int64, h *wire.Header) streamLine {
	return streamLine{
		Offset: offset, Kind: "heartbeat", Origin: string(h.Origin), Seq: h.State.Seq, Time: h.Wall.Time(),
		Vector: show.Vector(h.State.Vector, h.Origin), Position: h.Position.String(),
	}
}

func transactionLine(offset int64, tx *change.Transaction) streamLine {
	commit := tx.CommitTime.Time()
	line := streamLine{
		Offset: offset, Kind: "transaction", Dot: tx.Dot.String(), Origin: string(tx.Dot.Origin), Seq: tx.Dot.Seq, Time: tx.Time.Time(), CommitTime: &commit,
		Vector: show.Vector(tx.Deps, tx.Dot.Origin), Position: tx.Position.String(), Before: tx.Before, Last: &tx.Last,
	}
	for i := range tx.Operations {
		op := &tx.Operations[i]
		key, _ := op.Key.Values() // none of a truncate
		line.Operations = append(line.Operations, operationLine{
			Kind: op.Kind.String(), Table: op.Table.String(), Key: key,
			Old: show.Row(op.Table, op.Old), New: show.Row(op.Table, op.New),
		})
	}
	return line
}
