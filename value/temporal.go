package value

import (
	"fmt"
	"strings"
)

var (
	notDate  = malformed("it isn't a date")
	notTime  = malformed("it isn't a time")
	infinite = unfit{reason: "infinity"}
	beforeAD = unfit{reason: "dates BC"}
	after    = unfit{reason: "years after 9999"}
	unreal   = &unfit{reason: "dates that aren't in the calendar (0000-00-00, 2024-00-00, 2024-02-31)"}
)

// calendar checks dates against what a type holds: PostgreSQL's knows infinities, 4713 BC and the year 294276,
// MySQL's knows the years up to 9999, and days that never were.
type calendar struct {
	finite      bool // MySQL's range, of which least and most are the ends
	real        bool // PostgreSQL's: the date must be in the calendar
	least, most string
}

func newCalendar(from, to Type, least, most string) (c calendar, limits []string) {
	if to.Engine != Postgres {
		c = calendar{finite: true, least: least, most: most}
		if from.Engine == Postgres || from.Engine == "" {
			limits = append(limits, infinite.reason, beforeAD.reason, after.reason)
		}
	} else if c.real = from.Engine != Postgres; c.real {
		limits = append(limits, unreal.reason)
	}
	return c, limits
}

func (c *calendar) check(m *moment) *unfit {
	switch {
	case m.infinite && c.finite:
		return infinite.near(c.end(m.negative))
	case m.infinite:
		return nil
	case c.finite && m.bc:
		return beforeAD.near(c.least)
	case c.finite && m.year > 9999:
		return after.near(c.most)
	case c.real && !m.bc && !m.real():
		return unreal
	}
	return nil
}

func (c *calendar) end(first bool) string {
	if first {
		return c.least
	}
	return c.most
}

// toDate carries dates that both calendars know.
func toDate(from, to Type) (route, error) {
	if from.Engine.kindred(to.Engine) {
		return route{}, nil
	}
	c, limits := newCalendar(from, to, "0001-01-01", "9999-12-31")
	return route{limits: limits, convert: func(s string) (string, *unfit) {
		m, ok := parseMoment(s, false)
		if !ok {
			return "", notDate
		}
		if bad := c.check(&m); bad != nil {
			return "", bad
		}
		return s, nil
	}}, nil
}

// MySQL's TIMESTAMP counts seconds from 1970 in 31 bits; the second 0 is its zero date.
const (
	leastTimestamp, mostTimestamp         = 1, 1<<31 - 1
	leastTimestampText, mostTimestampText = "1970-01-01 00:00:01", "2038-01-19 03:14:07"
)

// toDateTime carries dates with times, in UTC where one side has no zone.
func toDateTime(from, to Type) (route, error) {
	suffix, least, most := "", "0001-01-01 00:00:00", "9999-12-31 23:59:59"
	if to.Class == Instant {
		suffix = "+00"
	}
	unix := to.Class == Instant && to.Engine != Postgres
	if unix {
		least, most = leastTimestampText, mostTimestampText
	}
	if to.Fraction > 0 {
		most += "." + strings.Repeat("9", to.Fraction)
	}
	c, limits := newCalendar(from, to, least+suffix, most+suffix)
	if unix && !(from.Class == Instant && from.Engine.kindred(to.Engine)) {
		limits = append(limits, beyondUnix.reason)
		if from.Engine != Postgres {
			limits = append(limits, unreal.reason)
		}
	}
	fine := fineFraction(from, to, &limits)
	if limits == nil && from.Class == to.Class {
		return route{}, nil
	}
	return route{limits: limits, convert: func(s string) (string, *unfit) {
		m, ok := parseMoment(s, true)
		if !ok {
			return "", notTime
		}
		if bad := c.check(&m); bad != nil {
			return "", bad
		}
		if unix {
			if bad := checkUnix(&m, &c); bad != nil {
				return "", bad
			}
		}
		if len(m.fraction) > to.Fraction {
			if !m.real() || m.bc || m.year > 9999 {
				return "", &fine
			}
			nearest := roundMoment(m, to.Fraction)
			if unix && nearest.seconds() > mostTimestamp {
				return "", fine.near(c.most)
			}
			return "", fine.near(nearest.text(suffix))
		}
		return withZone(s, &m, suffix), nil
	}}, nil
}

var beyondUnix = unfit{reason: "times outside 1970-01-01 00:00:01 to 2038-01-19 03:14:07 UTC"}

// checkUnix holds a moment against TIMESTAMP's range. MySQL keeps one zero date there, and none that's partial.
func checkUnix(m *moment, c *calendar) *unfit {
	if *m == (moment{utc: m.utc}) {
		return nil
	}
	if !m.real() {
		return unreal
	}
	switch t := m.seconds(); {
	case t < leastTimestamp:
		return beyondUnix.near(c.least)
	case t > mostTimestamp:
		return beyondUnix.near(c.most)
	}
	return nil
}

// fineFraction is the misfit of seconds with more digits than the column keeps.
func fineFraction(from, to Type, limits *[]string) unfit {
	fine := unfit{reason: fmt.Sprintf("more than %d digits of a second", to.Fraction)}
	if from.Fraction > to.Fraction {
		*limits = append(*limits, fine.reason)
	}
	return fine
}

// text writes a moment that isn't BC.
func (m moment) text(suffix string) string {
	b := append(appendDate(make([]byte, 0, 32), m.year, m.month, m.day), ' ')
	return string(append(appendClock(b, m.hour, m.minute, m.second, m.fraction), suffix...))
}

// withZone is the text s of m with or without "+00" after its time.
func withZone(s string, m *moment, suffix string) string {
	switch {
	case m.infinite || m.utc == (suffix != ""):
		return s
	case m.utc && m.bc:
		return strings.TrimSuffix(s, "+00 BC") + " BC"
	case m.utc:
		return strings.TrimSuffix(s, "+00")
	case m.bc:
		return strings.TrimSuffix(s, " BC") + "+00 BC"
	}
	return s + "+00"
}

// toTime carries times of a day, 00:00:00 to 24:00:00, also from MySQL's TIME, which goes further.
func toTime(from, to Type) (route, error) {
	var limits []string
	outside := &unfit{reason: "times outside 00:00:00 to 24:00:00"}
	if from.Class == Interval {
		limits = append(limits, outside.reason)
	}
	fine := fineFraction(from, to, &limits)
	if limits == nil {
		return route{}, nil
	}
	return route{limits: limits, convert: func(s string) (string, *unfit) {
		hour, minute, second, fraction, ok := parseClock(strings.TrimPrefix(s, "-"))
		switch {
		case !ok && isInterval(s):
			return "", outside
		case !ok:
			return "", notTime
		case s[0] == '-':
			return "", outside.near("00:00:00")
		case hour > 24, hour == 24 && (minute > 0 || second > 0 || fraction != ""):
			return "", outside.near("24:00:00")
		case len(fraction) > to.Fraction:
			return "", fine.near(roundClock("", hour, minute, second, fraction, to.Fraction))
		}
		return s, nil
	}}, nil
}

// toInterval carries lengths of time. MySQL's TIME holds hours, minutes and seconds, up to 838:59:59.
func toInterval(from, to Type) (route, error) {
	var limits []string
	days := unfit{reason: "intervals with days, months or infinity"}
	long := unfit{reason: "intervals longer than 838:59:59"}
	mysql := to.Engine != Postgres
	if mysql && from.Class == Interval && !from.Engine.kindred(to.Engine) {
		limits = append(limits, days.reason, long.reason)
	}
	fine := fineFraction(from, to, &limits)
	if limits == nil {
		return route{}, nil
	}
	return route{limits: limits, convert: func(s string) (string, *unfit) {
		clock, negative := strings.CutPrefix(s, "-")
		sign := s[:len(s)-len(clock)]
		hour, minute, second, fraction, ok := parseClock(clock)
		switch {
		case !ok && !mysql && isInterval(s):
			return s, nil // PostgreSQL's own interval; its fraction is the server's to round
		case !ok && mysql && isInterval(s):
			return "", &days
		case !ok:
			return "", notTime
		case mysql && (hour > 838 || hour == 838 && minute == 59 && second == 59 && fraction != ""):
			return "", long.near(sign + "838:59:59")
		case len(fraction) > to.Fraction:
			return "", fine.near(roundClock(sign, hour, minute, second, fraction, to.Fraction))
		case negative && hour == 0 && minute == 0 && second == 0 && fraction == "":
			return clock, nil
		}
		return s, nil
	}}, nil
}

// isInterval reports whether s is an interval as PostgreSQL prints it: "1 year 2 mons -3 days +04:05:06.7".
func isInterval(s string) bool {
	if s == "infinity" || s == "-infinity" {
		return true
	}
	for {
		word, rest, more := strings.Cut(s, " ")
		number := word
		if word != "" && (word[0] == '-' || word[0] == '+') {
			number = word[1:]
		}
		if !more {
			_, _, _, _, ok := parseClock(number)
			return ok
		}
		if number == "" || !allDigits(number) {
			return false
		}
		unit, rest, more := strings.Cut(rest, " ")
		if unit = strings.TrimSuffix(unit, "s"); unit != "year" && unit != "mon" && unit != "day" {
			return false
		}
		if !more {
			return true
		}
		s = rest
	}
}

// roundClock is a time with its fraction rounded to so many digits.
func roundClock(sign string, hour, minute, second int, fraction string, digits int) string {
	rounded, carry := roundFraction(fraction, digits)
	total := hour*3600 + minute*60 + second
	if carry {
		total++
	}
	if total == 0 && rounded == "" {
		sign = ""
	}
	return string(appendClock([]byte(sign), total/3600, total/60%60, total%60, rounded))
}
