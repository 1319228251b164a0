package database

import "fmt"

// SSLMode translates a mode of libpq's or MySQL's vocabulary to libpq's; empty stays empty.
func SSLMode(word string) (string, error) {
	switch word {
	case "", "disable", "allow", "prefer", "require", "verify-ca", "verify-full":
		return word, nil
	case "disabled":
		return "disable", nil
	case "preferred":
		return "prefer", nil
	case "required":
		return "require", nil
	case "verify_ca":
		return "verify-ca", nil
	case "verify_identity":
		return "verify-full", nil
	}
	return "", fmt.Errorf("sslmode %q is unknown: use disable, allow, prefer, require, verify-ca or verify-full", word)
}
