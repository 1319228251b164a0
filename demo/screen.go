package demo

import (
	"fmt"
	"io"
	"strings"
)

// screen is where the demo is told. A terminal also has a live line, which is painted over until a line of
// text takes its place; a log has only the lines.
type screen struct {
	w      io.Writer
	styled bool
	isLive bool
}

const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
)

// style wraps a text in an ANSI style, on a terminal.
func (s *screen) style(style, text string) string {
	if !s.styled {
		return text
	}
	return style + text + "\x1b[0m"
}

// linef prints a line, in the place of the live one.
func (s *screen) linef(format string, args ...any) {
	s.endLive()
	fmt.Fprintf(s.w, format+"\n", args...) //nolint:errcheck // the demo goes on without a reader
}

// headf prints a heading after an empty line, broken like a paragraph.
func (s *screen) headf(format string, args ...any) {
	s.linef("")
	for line := range wrap(fmt.Sprintf(format, args...), width) {
		s.linef("%s", s.style(bold, line))
	}
}

// textf prints a paragraph, broken at width columns and indented.
func (s *screen) textf(indent string, format string, args ...any) {
	for line := range wrap(fmt.Sprintf(format, args...), width-len(indent)) {
		s.linef("%s%s", indent, line)
	}
}

// live paints the live line anew.
func (s *screen) live(line string) {
	if s.styled {
		s.isLive = true
		fmt.Fprintf(s.w, "\r\x1b[K%s", line) //nolint:errcheck // see linef
	}
}

// endLive wipes the live line.
func (s *screen) endLive() {
	if s.isLive {
		s.isLive = false
		fmt.Fprint(s.w, "\r\x1b[K") //nolint:errcheck // see linef
	}
}

// width is what a terminal has at least.
const width = 79

// wrap breaks a text at spaces into lines of at most n characters, where words allow.
func wrap(text string, n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		line := ""
		for word := range strings.FieldsSeq(text) {
			switch {
			case line == "":
				line = word
			case len([]rune(line))+1+len([]rune(word)) <= n:
				line += " " + word
			default:
				if !yield(line) {
					return
				}
				line = word
			}
		}
		if line != "" {
			yield(line)
		}
	}
}

// count prints a number with commas between thousands.
func count(n int) string {
	digits := fmt.Sprint(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
