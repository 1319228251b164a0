package mysql

import (
	"fmt"
	"strconv"
	"strings"
)

// Flavor tells the two kindred servers apart, in go-mysql's words.
type Flavor string

// The flavors.
const (
	MySQL   Flavor = "mysql"
	MariaDB Flavor = "mariadb"
)

// String is the server's name in messages.
func (f Flavor) String() string {
	if f == MariaDB {
		return "MariaDB"
	}
	return "MySQL"
}

// Version is a server's version: 9.7.4, 10.11.19.
type Version struct{ Major, Minor, Patch int }

// AtLeast reports whether v is major.minor.patch or later.
func (v Version) AtLeast(major, minor, patch int) bool {
	switch {
	case v.Major != major:
		return v.Major > major
	case v.Minor != minor:
		return v.Minor > minor
	}
	return v.Patch >= patch
}

// String is the version with dots.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// ParseVersion takes the server's text of version() apart: "9.7.4-2", "10.11.19-MariaDB-0+deb12u1", or
// "5.5.5-10.11.19-MariaDB", as MariaDB up to 10.11 greets clients.
func ParseVersion(text string) (Flavor, Version, error) {
	flavor := MySQL
	if strings.Contains(strings.ToLower(text), "mariadb") {
		flavor = MariaDB
	}
	digits := strings.TrimPrefix(text, "5.5.5-")
	if flavor == MySQL {
		digits = text
	}
	if end := strings.IndexFunc(digits, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }); end >= 0 {
		digits = digits[:end]
	}
	parts := strings.Split(digits, ".")
	var n [3]int
	for i := range n {
		if i == len(parts) {
			return flavor, Version{}, fmt.Errorf("the server's version %q isn't of the form 9.7.0", text)
		}
		var err error
		if n[i], err = strconv.Atoi(parts[i]); err != nil {
			return flavor, Version{}, fmt.Errorf("the server's version %q isn't of the form 9.7.0", text)
		}
	}
	return flavor, Version{n[0], n[1], n[2]}, nil
}
