package change

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Origin is where transactions are born: a region's name and its incarnation, as "eu/1". The
// incarnation is bumped when a region's history is cut (a failover that lost a tail), so that the
// sequence numbers of two histories are never confused.
type Origin string

// NewOrigin joins a region's name and an incarnation, which starts at 1.
func NewOrigin(region string, incarnation uint32) Origin {
	return Origin(region + "/" + strconv.FormatUint(uint64(incarnation), 10))
}

// ParseOrigin takes "region/incarnation" apart again and refuses anything else.
func ParseOrigin(s string) (Origin, error) {
	region, inc, ok := strings.Cut(s, "/")
	n, err := strconv.ParseUint(inc, 10, 32)
	if !ok || region == "" || err != nil || n == 0 || strconv.FormatUint(n, 10) != inc {
		return "", fmt.Errorf("origin %q is not of the form region/incarnation", s)
	}
	return Origin(s), nil
}

// Region is the origin's region name.
func (o Origin) Region() string {
	region, _, _ := strings.Cut(string(o), "/")
	return region
}

// Dot names one transaction. Seq starts at 1 and has no gap per origin; the zero Dot names none.
type Dot struct {
	Origin Origin
	Seq    uint64
}

// String is the dot as people read it in messages: "eu/1:42".
func (d Dot) String() string {
	return string(d.Origin) + ":" + strconv.FormatUint(d.Seq, 10)
}

// Timestamp is a hybrid logical clock value in microseconds since the Unix epoch. It follows the
// origin database's commit time where that moves forward and counts up where it doesn't, so it is
// unique per origin and greater than every timestamp its transaction had seen.
type Timestamp int64

// TimestampOf is the wall time t, cut to microseconds.
func TimestampOf(t time.Time) Timestamp { return Timestamp(t.UnixMicro()) }

// Time is the timestamp as wall time in UTC.
func (t Timestamp) Time() time.Time { return time.UnixMicro(int64(t)).UTC() }

// Version orders transactions: by timestamp, then origin. The order is total, and an operation
// that another had seen comes before it.
type Version struct {
	Time   Timestamp
	Origin Origin
}

// Compare is negative when v comes before w, zero when they are the same, positive otherwise.
func (v Version) Compare(w Version) int {
	if v.Time != w.Time {
		if v.Time < w.Time {
			return -1
		}
		return 1
	}
	return strings.Compare(string(v.Origin), string(w.Origin))
}

// Vector says what a region had seen at some point of its log: for each origin the highest
// sequence number. It is sorted by origin, holds no zero, and is never changed in place.
type Vector []Seen

// Seen is one entry of a [Vector].
type Seen struct {
	Origin Origin
	Seq    uint64
}

// NewVector makes a vector of entries in any order; of two entries of an origin the higher counts.
func NewVector(entries ...Seen) Vector {
	var v Vector
	for _, e := range entries {
		if e.Seq > v.Get(e.Origin) {
			v = v.With(e.Origin, e.Seq)
		}
	}
	return v
}

// Get is the highest sequence number seen of o; 0 when none was.
func (v Vector) Get(o Origin) uint64 {
	for i := range v {
		if v[i].Origin == o {
			return v[i].Seq
		}
	}
	return 0
}

// Includes reports whether the transaction d had been seen.
func (v Vector) Includes(d Dot) bool { return v.Get(d.Origin) >= d.Seq }

// Covers reports whether everything in w had been seen too.
func (v Vector) Covers(w Vector) bool {
	for _, e := range w {
		if v.Get(e.Origin) < e.Seq {
			return false
		}
	}
	return true
}

// With is a copy of v in which o has been seen up to seq; seq 0 says nothing.
func (v Vector) With(o Origin, seq uint64) Vector {
	if seq == 0 {
		return v
	}
	i, found := slices.BinarySearchFunc(v, o, func(e Seen, o Origin) int {
		return strings.Compare(string(e.Origin), string(o))
	})
	if found {
		w := slices.Clone(v)
		w[i].Seq = seq
		return w
	}
	w := make(Vector, 0, len(v)+1)
	w = append(w, v[:i]...)
	w = append(w, Seen{o, seq})
	return append(w, v[i:]...)
}

// String is the vector as people read it: "{ap/1:3 eu/1:42}".
func (v Vector) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, e := range v {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(Dot(e).String())
	}
	b.WriteByte('}')
	return b.String()
}
