package value

import (
	"fmt"
	"slices"
	"strings"

	"bridge/change"
)

// textKey is for text whose equality is that of its bytes, or of its bytes without the spaces at the end: on
// all sides alike.
func textKey(own Type, all []Type) (change.Normalize, error) {
	exact, padded := "", ""
	for _, t := range all {
		switch pads, err := padsSpaces(t); {
		case err != nil:
			return nil, err
		case pads == paddedEverywhere:
			padded = t.String()
		case pads == exactly:
			exact = t.String()
		}
	}
	if exact != "" && padded != "" {
		return nil, fmt.Errorf("%w: to one region's %s spaces at the end count, to another's %s they don't; "+
			"give the key a binary collation without padding (utf8mb4_0900_bin, utf8mb4_nopad_bin) there", ErrCollation, exact, padded)
	}
	if padded != "" && own.Class == Text {
		return trimSpaces, nil
	}
	return nil, nil
}

// padding is what spaces at the end mean to a type's equality.
type padding uint8

const (
	exactly          padding = iota // they count
	paddedEverywhere                // they don't
	neverStored                     // there are none: MySQL's CHAR, labels
)

func padsSpaces(t Type) (padding, error) {
	switch {
	case t.Class != Text:
		return neverStored, nil
	case t.Engine == Postgres && t.Fixed:
		return paddedEverywhere, nil
	case t.Engine == Postgres:
		return exactly, nil
	case t.Collation == "":
		return 0, fmt.Errorf("%w: the collation of %s isn't known", ErrCollation, t)
	case t.Collation != "binary" && !strings.HasSuffix(t.Collation, "_bin"):
		return 0, fmt.Errorf("%w: under %s different texts of a %s are equal, and only its server knows which; "+
			"give the key a binary collation (utf8mb4_0900_bin, utf8mb4_nopad_bin) to use it across engines", ErrCollation, t.Collation, t)
	case t.Fixed:
		return neverStored, nil
	case t.Collation == "binary" || t.Collation == "utf8mb4_0900_bin" || strings.HasSuffix(t.Collation, "_nopad_bin"):
		return exactly, nil
	}
	return paddedEverywhere, nil
}

// equality names which texts a column of MySQL or MariaDB holds equal: the bytes of a binary collation's, with or without
// the spaces at the end, are the same under every character set.
func (t Type) equality() string {
	pads, err := padsSpaces(t)
	switch {
	case err != nil:
		return t.Collation
	case pads == paddedEverywhere:
		return "bytes, padded"
	}
	return "bytes"
}

// ofOne are parts of the names of collations that only one of MySQL and MariaDB has, or that are another one on each. All
// others give a text the same weights on both.
var ofOne = []string{"_0900_", "gb18030_", "_tolower_ci", // MySQL's
	"_uca1400_", "_nopad_", "_mysql561_ci", "_myanmar_ci", "_thai_520_w2", // MariaDB's
	"utf8mb4_croatian_", "utf8mb3_croatian_", "utf16_croatian_", "utf32_croatian_", "ucs2_croatian_", "tis620_thai_ci"}

// inCommon reports whether a collation holds the same texts equal on MySQL and on MariaDB. Of binary ones the other may
// have none of this name, but one like it.
func inCommon(collation string) bool {
	return collation == "binary" || strings.HasSuffix(collation, "_bin") ||
		collation != "" && !slices.ContainsFunc(ofOne, func(part string) bool { return strings.Contains(collation, part) })
}
