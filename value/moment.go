package value

import (
	"strings"
	"time"
)

// moment is a date, a time, or both, as text says them: PostgreSQL's "0044-03-15 12:00:00.5+00 BC" and
// "-infinity", MySQL's "2024-00-00" and "0000-00-00 00:00:00".
type moment struct {
	infinite bool // with negative: -infinity. Nothing else is set then
	negative bool
	bc       bool
	utc      bool // "+00" was there

	year, month, day     int
	hour, minute, second int
	fraction             string // digits of a second, without zeros at the end
}

// parseMoment reads a date and, when timed, a time after it.
func parseMoment(s string, timed bool) (m moment, ok bool) {
	switch s {
	case "infinity", "-infinity":
		return moment{infinite: true, negative: s[0] == '-'}, true
	}
	s, m.bc = strings.CutSuffix(s, " BC")
	if timed {
		s, m.utc = strings.CutSuffix(s, "+00")
	}
	at := 0
	for at < len(s) && s[at] >= '0' && s[at] <= '9' {
		at++
	}
	if at < 4 || at > 6 || at > 4 && s[0] == '0' || len(s) < at+6 || s[at] != '-' || s[at+3] != '-' {
		return moment{}, false
	}
	var okMonth, okDay bool
	for _, c := range []byte(s[:at]) {
		m.year = m.year*10 + int(c-'0')
	}
	m.month, okMonth = twoDigits(s[at+1:])
	m.day, okDay = twoDigits(s[at+4:])
	if s = s[at+6:]; !okMonth || !okDay || m.month > 12 || m.day > 31 || m.bc && m.year == 0 {
		return moment{}, false
	}
	if !timed {
		return m, s == ""
	}
	if s == "" || s[0] != ' ' {
		return moment{}, false
	}
	var okTime bool
	m.hour, m.minute, m.second, m.fraction, okTime = parseClock(s[1:])
	return m, okTime && len(s) >= 9 && s[3] == ':' && m.hour < 24
}

func twoDigits(s string) (int, bool) {
	if len(s) < 2 || s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return 0, false
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), true
}

// parseClock reads hours:minutes:seconds.fraction; hours have two digits or more.
func parseClock(s string) (hour, minute, second int, fraction string, ok bool) {
	at := strings.IndexByte(s, ':')
	if at < 2 || at > 10 || !allDigits(s[:at]) || len(s) < at+6 || s[at+3] != ':' || at > 2 && s[0] == '0' {
		return 0, 0, 0, "", false
	}
	for _, c := range []byte(s[:at]) {
		hour = hour*10 + int(c-'0')
	}
	var okMinute, okSecond bool
	minute, okMinute = twoDigits(s[at+1:])
	second, okSecond = twoDigits(s[at+4:])
	ok = okMinute && okSecond && minute < 60 && second < 60
	if s = s[at+6:]; s != "" {
		ok = ok && s[0] == '.' && len(s) > 1 && len(s) <= 7 && allDigits(s[1:])
		fraction = strings.TrimRight(s[1:], "0")
	}
	return hour, minute, second, fraction, ok
}

// real reports whether the date is one of the calendar's: MySQL also keeps zero, partial and impossible ones.
func (m moment) real() bool {
	return m.year > 0 && m.month > 0 && m.day > 0 && m.day <= daysIn(m.year, m.month, m.bc)
}

func daysIn(year, month int, bc bool) int {
	if bc {
		year = 1 - year // 1 BC is the year 0 of the calculation, and a leap year
	}
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// seconds counts from 1970 in UTC, without the fraction. The date must be real, not BC.
func (m moment) seconds() int64 {
	return time.Date(m.year, time.Month(m.month), m.day, m.hour, m.minute, m.second, 0, time.UTC).Unix()
}

// roundMoment is m with its fraction rounded to so many digits, halves up, as the servers do. At the end of the
// year 9999 it's cut instead.
func roundMoment(m moment, digits int) moment {
	fraction, carry := roundFraction(m.fraction, digits)
	t := time.Date(m.year, time.Month(m.month), m.day, m.hour, m.minute, m.second, 0, time.UTC)
	if carry {
		t = t.Add(time.Second)
	}
	if t.Year() > 9999 && m.year <= 9999 {
		m.fraction = strings.TrimRight(m.fraction[:digits], "0")
		return m
	}
	m.year, m.month, m.day = t.Year(), int(t.Month()), t.Day()
	m.hour, m.minute, m.second, m.fraction = t.Hour(), t.Minute(), t.Second(), fraction
	return m
}

// roundFraction rounds digits after a point; carry says that they became a whole second.
func roundFraction(fraction string, digits int) (rounded string, carry bool) {
	if len(fraction) <= digits {
		return fraction, false
	}
	d := decimal{digits: fraction}.trimmed().round(digits)
	if d.exp > 0 {
		return "", true
	}
	return strings.Repeat("0", -d.exp) + d.digits, false
}

// appendDate and appendClock write the forms that both engines share; nothing is BC there.
func appendDate(b []byte, year, month, day int) []byte {
	if year >= 10000 {
		b = appendPadded(b, year/10000, 1)
		year %= 10000
	}
	b = append(appendPadded(b, year, 4), '-')
	b = append(appendPadded(b, month, 2), '-')
	return appendPadded(b, day, 2)
}

func appendClock(b []byte, hour, minute, second int, fraction string) []byte {
	b = append(appendPadded(b, hour, 2), ':')
	b = append(appendPadded(b, minute, 2), ':')
	b = appendPadded(b, second, 2)
	if fraction != "" {
		b = append(append(b, '.'), fraction...)
	}
	return b
}

func appendPadded(b []byte, n, width int) []byte {
	var digits [20]byte
	at := len(digits)
	for ; n > 0 || at > len(digits)-width; n /= 10 {
		at--
		digits[at] = byte('0' + n%10)
	}
	return append(b, digits[at:]...)
}
