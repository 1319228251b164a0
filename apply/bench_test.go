package apply

import (
	"fmt"
	"testing"

	"bridge/change"
	"bridge/history"
)

const benchRows = 1000

// singleRow is transactions of one update each, of different rows.
func singleRow(origin string) []*change.Transaction {
	txs := make([]*change.Transaction, benchRows)
	for i := range txs {
		txs[i] = txOf(origin, uint64(i+1), change.Timestamp(i+1), upd(fmt.Sprint(origin, i), "value", "another value"))
	}
	return txs
}

func batchOf(txs []*change.Transaction) *Batch {
	b := NewBatch(txs[0], 0)
	for _, tx := range txs[1:] {
		b.Add(tx, 0)
	}
	return b
}

func perRow(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchRows), "ns/row")
}

func BenchmarkBatch(b *testing.B) {
	txs := singleRow("b")
	b.ReportAllocs()
	for b.Loop() {
		batchOf(txs)
	}
	perRow(b)
}

// BenchmarkCertify looks 1,000 rows up, beside a history of as many, by how many of them are the same.
func BenchmarkCertify(b *testing.B) {
	for _, percent := range []int{0, 1, 10, 50, 100} {
		h := history.New("a/1", members, 0)
		ours, theirs := singleRow("a"), singleRow("b")
		for i, tx := range ours {
			if i < benchRows*percent/100 {
				tx.Operations = theirs[i].Operations
			}
			h.Add(&tx.Tag, tx.Operations, 0, uint64(i+1))
		}
		batch := batchOf(theirs)
		b.Run(fmt.Sprintf("conflicts=%d%%", percent), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				batch.Reset()
				if _, err := batch.Certify(h, rules, ^uint64(0)); err != nil {
					b.Fatal(err)
				}
			}
			perRow(b)
		})
	}
}
