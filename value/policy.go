package value

import (
	"errors"
	"fmt"
)

// Policy says what becomes of a value that the column's type can't hold.
type Policy uint8

// The policies, as `on_unrepresentable` names them.
const (
	// RefuseValue stops the stream with an error: the default.
	RefuseValue Policy = iota
	// NullValue stores NULL.
	NullValue
	// ClampValue stores the nearest value that the type holds, where there's one: a bound, a rounded number, the
	// beginning of a text. A value without a nearest one (NaN, an unknown label) is refused.
	ClampValue
	// TextValue lets a text column take every type's values, in the text of their own engine, and give them
	// back. A value that doesn't fit the text column is refused.
	TextValue
)

var policyNames = [...]string{RefuseValue: "error", NullValue: "null", ClampValue: "clamp", TextValue: "text"}

// String is the policy's word in the configuration.
func (p Policy) String() string {
	if int(p) < len(policyNames) {
		return policyNames[p]
	}
	return fmt.Sprintf("policy %d", uint8(p))
}

// Alters reports whether what is stored of a value that doesn't fit isn't that value any more.
func (p Policy) Alters() bool { return p == NullValue || p == ClampValue }

// ParsePolicy takes the configuration's word: error, null, clamp or text. The empty one is error.
func ParsePolicy(word string) (Policy, error) {
	if word == "" {
		return RefuseValue, nil
	}
	for p, name := range policyNames {
		if name == word {
			return Policy(p), nil
		}
	}
	return 0, fmt.Errorf("%q isn't a policy: it's error, null, clamp or text", word)
}

var (
	// ErrUnfit is a value that the type on the other side can't hold, where the policy has nothing for it.
	ErrUnfit = errors.New("the value can't be held")
	// ErrMalformed is a text that isn't of its own type at all: a mistake of bridge's, or damage.
	ErrMalformed = errors.New("the text isn't a value of its type")
	// ErrMismatch is a pair of types of which one can't carry the other's values.
	ErrMismatch = errors.New("the types don't match")
	// ErrCollation is a text key whose equality only its server knows.
	ErrCollation = errors.New("equality is the collation's")
)

// UnfitError is the error of one value: the types, and why in words that hold nothing of the value itself. It
// is an [ErrUnfit] or an [ErrMalformed]. Table, key and column are the caller's to add.
type UnfitError struct {
	From, To Type
	Reason   string
	// Malformed says that it's ErrMalformed.
	Malformed bool
}

// Error says it for an operator.
func (e *UnfitError) Error() string {
	if e.Malformed {
		return fmt.Sprintf("the text isn't a value of type %s: %s", e.From, e.Reason)
	}
	return fmt.Sprintf("type %s can't hold a value of type %s: %s; change the column's type, or set on_unrepresentable for it",
		e.To, e.From, e.Reason)
}

// Unwrap is the sentinel.
func (e *UnfitError) Unwrap() error {
	if e.Malformed {
		return ErrMalformed
	}
	return ErrUnfit
}

// unfit is why a text doesn't fit. Most are constants, so that refusing costs as little as fitting.
type unfit struct {
	reason    string // as [Plan.Limits] has it, without anything of the value
	nearest   string // what ClampValue stores
	clamps    bool   // there is a nearest
	malformed bool
}

// near is the misfit with the value that clamping gives.
func (u unfit) near(nearest string) *unfit {
	u.nearest, u.clamps = nearest, true
	return &u
}

// malformed is a text that isn't of its own type.
func malformed(reason string) *unfit { return &unfit{reason: reason, malformed: true} }
