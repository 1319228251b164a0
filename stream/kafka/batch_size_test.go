package kafka

import (
	"bytes"
	"testing"
	"time"
)

// TestSmallBatchesGoUncompressed: the codec in a batch's attributes is the one of its records.
func TestSmallBatchesGoUncompressed(t *testing.T) {
	zstd, err := Zstd.codec()
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int]int8{1: 0, worthCompressing / 2: 0, 2 * worthCompressing: zstd.id} {
		value := bytes.Repeat([]byte("x"), size)
		batch, err := appendBatch(nil, [][]byte{value}, zstd, &producer{}, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		const attributes = 4 + 22 // the low byte of a batch's attributes, behind the set's size
		if got := int8(batch[attributes]) & 7; got != want {
			t.Errorf("%d bytes: codec %d, want %d", size, got, want)
		}
		if plain := bytes.Contains(batch, value); plain != (want == 0) {
			t.Errorf("%d bytes stand in the batch as they are: %t", size, plain)
		}
	}
}
