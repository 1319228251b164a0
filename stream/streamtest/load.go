package streamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"bridge/stream"
	"bridge/stream/kafka"
)

func tooLarge(f *fixture) {
	l := f.open()
	f.append(l, "first")
	_, err := l.Append(f.ctx, [][]byte{[]byte("fits"), []byte(random(maxMessage))})
	if !errors.Is(err, stream.ErrTooLarge) || !strings.Contains(err.Error(), f.topic) {
		f.Errorf("got %v", err)
	}
	f.bounds(l, 0, 1)
	f.append(l, random(maxMessage-200)) // just below the limit

	// The broker's limit is below what the log was told: the broker refuses.
	c := f.config()
	c.MaxMessageBytes = 4 * maxMessage
	_, err = f.openWith(c).Append(f.ctx, [][]byte{[]byte(random(2 * maxMessage))})
	if !errors.Is(err, stream.ErrTooLarge) {
		f.Errorf("got %v", err)
	}
	f.bounds(l, 0, 2)
}

func moreThanABatch(f *fixture) {
	l := f.open()
	var want []string
	for i := range 10 {
		want = append(want, strconv.Itoa(i)+random(maxMessage/3))
	}
	if first := f.append(l, want...); first != 0 {
		f.Errorf("first offset %d", first)
	}
	if got := f.read(l, 0, len(want)); !slices.Equal(got, want) {
		f.Error("other values came back")
	}
}

func largeVolume(f *fixture) {
	l := f.open()
	const records, size = 160, 200 << 10 // 32 MiB: several fetches' worth
	value := random(size)
	for i := range records {
		f.append(l, strconv.Itoa(i)+" "+value)
	}
	for i, v := range f.read(l, 0, records) {
		if v != strconv.Itoa(i)+" "+value {
			f.Fatalf("record %d is another one", i)
		}
	}
}

func concurrentReaders(f *fixture) {
	l := f.open()
	const n = 2000
	want := numbered(0, n)
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			if got := collect(f.ctx, l, n); !slices.Equal(got, want) {
				f.Errorf("a reader saw %d records, other than those appended", len(got))
			}
		})
	}
	for i := 0; i < n; i += 50 {
		f.append(l, want[i:i+50]...)
	}
	done.Wait()
}

// collect reads n records, or as many as come before an error.
func collect(ctx context.Context, l stream.Log, n int) (values []string) {
	for len(values) < n {
		records, err := l.Read(ctx, int64(len(values)))
		if err != nil {
			return append(values, err.Error())
		}
		for _, r := range records {
			values = append(values, string(r.Value))
		}
	}
	return values
}

func concurrentAppends(f *fixture) {
	l := f.open()
	const writers, n = 4, 100
	var done sync.WaitGroup
	for w := range writers {
		done.Go(func() {
			for i := range n {
				if _, err := l.Append(f.ctx, [][]byte{fmt.Appendf(nil, "%d %d", w, i)}); err != nil {
					f.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	f.bounds(l, 0, writers*n)
	next := make([]int, writers)
	for _, v := range f.read(l, 0, writers*n) {
		var w, i int
		fmt.Sscan(v, &w, &i)
		if i != next[w] {
			f.Fatalf("writer %d: %d where %d belongs", w, i, next[w])
		}
		next[w]++
	}
}

func restartKeepsRecords(f *fixture) {
	l := f.open()
	want := numbered(0, 100)
	f.append(l, want...)
	f.target.Restart(f)
	f.bounds(l, 0, 100)
	if first := f.append(l, "after"); first != 100 {
		f.Errorf("first offset after the restart %d", first)
	}
	if got := f.read(l, 0, 101); !slices.Equal(got, append(want, "after")) {
		f.Error("other values came back")
	}
}

// restartDuringAppends: whatever the broker's restarts interrupt, what was acknowledged is there, in
// order and without a hole; records may stand twice as stream.Log allows.
func restartDuringAppends(f *fixture) {
	c := f.config()
	retried := make(chan struct{}, 1)
	c.OnRetry = func(string, int, error) {
		select {
		case retried <- struct{}{}:
		default:
		}
	}
	l := f.openWith(c)
	stop, stopped := make(chan struct{}), make(chan int)
	go func() { stopped <- f.appendUntil(l, stop) }()
	reader := f.openWith(f.config())
	for range 3 {
		select {
		case <-retried: // of the restart before
		default:
		}
		f.target.Restart(f)
		select {
		case <-retried: // the restart did hit an append
		case <-f.ctx.Done():
			f.Error("no append noticed the restart")
		}
		_, end, err := reader.Bounds(f.ctx)
		if err != nil {
			f.Fatal(err)
		}
		f.read(reader, end, 20) // wait until it flows again
	}
	close(stop)
	acknowledged := <-stopped
	_, end, err := reader.Bounds(f.ctx)
	if err != nil {
		f.Fatal(err)
	}
	highest := -1
	for _, v := range f.read(reader, 0, int(end)) {
		var i int
		fmt.Sscanf(v, "record %d", &i)
		if i > highest+1 {
			f.Fatalf("hole: %d follows %d", i, highest)
		}
		highest = max(highest, i)
	}
	if highest < acknowledged-1 {
		f.Errorf("%d records were acknowledged, the last one there is %d", acknowledged, highest)
	}
	f.Logf("%d records acknowledged, %d in the topic", acknowledged, end)
}

// appendUntil appends numbered records, five at a time, and returns how many were acknowledged.
func (f *fixture) appendUntil(l *kafka.Log, stop <-chan struct{}) (n int) {
	for {
		select {
		case <-stop:
			return n
		default:
		}
		var records [][]byte
		for _, v := range numbered(n, 5) {
			records = append(records, []byte(v))
		}
		if _, err := l.Append(f.ctx, records); err != nil {
			f.Error(err)
			return n
		}
		n += 5
	}
}
