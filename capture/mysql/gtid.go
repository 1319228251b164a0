package mysql

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// gtid names one event group: a transaction, or a statement that is one by itself.
type gtid struct {
	source string // MySQL: the UUID, and the tag if it has one, as "uuid" or "uuid:tag"
	domain uint32 // MariaDB: the replication domain
	server uint32 // MariaDB: where it was written first
	number uint64 // 0 for an anonymous group
}

// executed is the set of groups that the log had up to a place. It's kept by our own code: the sets of
// the library aren't made for being written out after every transaction.
type executed interface {
	add(gtid)
	// String is the set as the engine writes it: the text to resume from.
	String() string
	// name is g as the engine writes it.
	name(g gtid) string
	// covers reports whether this set, from the beginning of a log file, has all groups of another.
	covers(executed) bool
	// resume is this set, from the beginning of a log file, as one to go on with.
	resume() executed
}

// uuidSet is MySQL's: the numbers seen of each source, as intervals.
type uuidSet struct {
	sources []uuidSource // by name
	last    int          // where the last one was found
}

type uuidSource struct {
	name      string
	intervals []interval // ascending, apart from each other
	text      string     // of all of it; "" when it has changed since
}

// interval is the numbers from first to last, both included.
type interval struct{ first, last uint64 }

func parseUUIDSet(text string) (*uuidSet, error) {
	s := &uuidSet{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		fields := strings.Split(part, ":")
		uuid, err := parseUUID(fields[0])
		if err != nil || len(fields) < 2 {
			return nil, fmt.Errorf("GTID set %q: %q is not of the form uuid[:tag]:interval", text, part)
		}
		source := uuid
		for _, f := range fields[1:] {
			if f = strings.TrimSpace(f); f != "" && (f[0] < '0' || f[0] > '9') {
				source = uuid + ":" + strings.ToLower(f)
				continue
			}
			first, last, ranged := strings.Cut(f, "-")
			if !ranged {
				last = first
			}
			from, err := strconv.ParseUint(first, 10, 63)
			to, err2 := strconv.ParseUint(last, 10, 63)
			if err != nil || err2 != nil || from == 0 || to < from {
				return nil, fmt.Errorf("GTID set %q: %q is not an interval", text, f)
			}
			s.addInterval(source, interval{from, to})
		}
	}
	return s, nil
}

// parseUUID gives a UUID in lower case, with its dashes.
func parseUUID(s string) (string, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
	if err != nil || len(b) != 16 {
		return "", fmt.Errorf("%q is not a UUID", s)
	}
	return formatUUID(b), nil
}

func formatUUID(b []byte) string {
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func (s *uuidSet) add(g gtid) {
	if g.number > 0 {
		s.addInterval(g.source, interval{g.number, g.number})
	}
}

func (s *uuidSet) addInterval(source string, n interval) {
	if s.last >= len(s.sources) || s.sources[s.last].name != source {
		i, found := slices.BinarySearchFunc(s.sources, source, func(e uuidSource, name string) int {
			return strings.Compare(e.name, name)
		})
		if !found {
			s.sources = slices.Insert(s.sources, i, uuidSource{name: source})
		}
		s.last = i
	}
	e := &s.sources[s.last]
	e.intervals, e.text = insert(e.intervals, n), ""
}

// insert adds n to ascending intervals. Nearly always it continues the last one.
func insert(in []interval, n interval) []interval {
	if k := len(in) - 1; k >= 0 && in[k].last+1 == n.first {
		in[k].last = n.last
		return in
	}
	from, _ := slices.BinarySearchFunc(in, n, func(e, n interval) int { // the first that n can touch
		if e.last+1 < n.first {
			return -1
		}
		return 1
	})
	to := from
	for to < len(in) && in[to].first <= n.last+1 {
		n.first, n.last = min(n.first, in[to].first), max(n.last, in[to].last)
		to++
	}
	return slices.Replace(in, from, to, n)
}

func (e *uuidSource) String() string {
	if e.text != "" {
		return e.text
	}
	b := make([]byte, 0, len(e.name)+24*len(e.intervals))
	b = append(b, e.name...)
	for _, n := range e.intervals {
		b = strconv.AppendUint(append(b, ':'), n.first, 10)
		if n.last > n.first {
			b = strconv.AppendUint(append(b, '-'), n.last, 10)
		}
	}
	e.text = string(b)
	return e.text
}

func (s *uuidSet) String() string {
	if len(s.sources) == 1 {
		return s.sources[0].String()
	}
	texts := make([]string, len(s.sources))
	for i := range s.sources {
		texts[i] = s.sources[i].String()
	}
	return strings.Join(texts, ",")
}

func (s *uuidSet) name(g gtid) string {
	if g.number == 0 {
		return ""
	}
	return g.source + ":" + strconv.FormatUint(g.number, 10)
}

func (s *uuidSet) covers(other executed) bool {
	for _, e := range other.(*uuidSet).sources {
		i, found := slices.BinarySearchFunc(s.sources, e.name, func(e uuidSource, name string) int { return strings.Compare(e.name, name) })
		if !found {
			return false
		}
		for _, n := range e.intervals {
			if !slices.ContainsFunc(s.sources[i].intervals, func(m interval) bool { return m.first <= n.first && n.last <= m.last }) {
				return false
			}
		}
	}
	return true
}

func (s *uuidSet) resume() executed { return s }

// domainSet is MariaDB's: the last group of each domain. Within a domain, order is the log's.
type domainSet struct {
	groups []gtid // by domain; from a log file's beginning one for each server, the last group's last
}

func parseDomainSet(text string) (*domainSet, error) {
	s := &domainSet{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		f := strings.Split(part, "-")
		if len(f) != 3 {
			return nil, fmt.Errorf("GTID position %q: %q is not of the form domain-server-number", text, part)
		}
		domain, err := strconv.ParseUint(f[0], 10, 32)
		server, err2 := strconv.ParseUint(f[1], 10, 32)
		number, err3 := strconv.ParseUint(f[2], 10, 64)
		if err != nil || err2 != nil || err3 != nil {
			return nil, fmt.Errorf("GTID position %q: %q is not of the form domain-server-number", text, part)
		}
		s.add(gtid{domain: uint32(domain), server: uint32(server), number: number})
	}
	return s, nil
}

func (s *domainSet) add(g gtid) {
	i, found := slices.BinarySearchFunc(s.groups, g.domain, func(e gtid, d uint32) int {
		return int(int64(e.domain) - int64(d))
	})
	if found {
		s.groups[i] = g
		return
	}
	s.groups = slices.Insert(s.groups, i, g)
}

func (s *domainSet) String() string {
	b := make([]byte, 0, 24*len(s.groups))
	for i, g := range s.groups {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendDomainGTID(b, g)
	}
	return string(b)
}

func (s *domainSet) name(g gtid) string { return string(appendDomainGTID(nil, g)) }

func appendDomainGTID(b []byte, g gtid) []byte {
	b = strconv.AppendUint(b, uint64(g.domain), 10)
	b = strconv.AppendUint(append(b, '-'), uint64(g.server), 10)
	return strconv.AppendUint(append(b, '-'), g.number, 10)
}

func (s *domainSet) covers(other executed) bool {
	for _, g := range other.(*domainSet).groups {
		if !slices.Contains(s.groups, g) {
			return false
		}
	}
	return true
}

func (s *domainSet) resume() executed {
	out := &domainSet{}
	for _, g := range s.groups {
		out.add(g)
	}
	return out
}
