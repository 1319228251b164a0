package value

import (
	"fmt"
	"strings"

	"bridge/change"
)

// Plan takes texts of one column's type to another's. It's safe for use by many goroutines. A nil Plan is the
// identity: the texts go through as they are.
type Plan struct {
	from, to Type
	policy   Policy
	convert  converter
	limits   []string
	lossy    bool
}

// converter takes one text to the other type's. Without a misfit the text that it returns fits exactly.
type converter func(text string) (string, *unfit)

// route is how values of a pair of types go over.
type route struct {
	convert converter // nil: the texts are the same
	limits  []string  // what doesn't fit, in words; in the order of their checks
	lossy   bool      // what fits may be stored in another form than it was sent
}

// router finds the route between two types of the classes that it's registered for.
type router func(from, to Type) (route, error)

// routers are the pairs of classes of which one carries the other's values.
var routers map[[2]Class]router

func init() { // not in the declaration: arrays look their elements' routes up again
	routers = map[[2]Class]router{
		{Boolean, Boolean}: same, {Boolean, Integer}: booleanToNumber, {Boolean, Decimal}: booleanToNumber, {Boolean, BitString}: booleanToBits,
		{Integer, Integer}: toInteger, {Integer, Decimal}: toDecimal, {Integer, Float}: toFloat, {Integer, Boolean}: numberToBoolean, {Integer, Year}: toYear,
		{Decimal, Integer}: toInteger, {Decimal, Decimal}: toDecimal, {Decimal, Float}: toFloat, {Decimal, Boolean}: numberToBoolean, {Decimal, Year}: toYear,
		{Float, Integer}: toInteger, {Float, Decimal}: toDecimal, {Float, Float}: toFloat,
		{Year, Integer}: toInteger, {Year, Decimal}: toDecimal, {Year, Year}: same,
		{BitString, BitString}: toBits, {BitString, Boolean}: bitsToBoolean,

		{Date, Date}: toDate, {Time, Time}: toTime, {Interval, Time}: toTime, {Time, Interval}: toInterval, {Interval, Interval}: toInterval,
		{DateTime, DateTime}: toDateTime, {DateTime, Instant}: toDateTime, {Instant, DateTime}: toDateTime, {Instant, Instant}: toDateTime,

		{Text, Text}: toText, {Enum, Text}: toText, {Set, Text}: toText, {UUID, Text}: toText, {Inet, Text}: toText, {JSON, Text}: toText,
		{Array, Text}: toText, {Opaque, Text}: toText, {Interval, Text}: toText, {Time, Text}: toText,
		{Text, Enum}: toEnum, {Enum, Enum}: toEnum, {Opaque, Enum}: toEnum, {Text, Set}: toSet, {Set, Set}: toSet, {Array, Set}: arrayToSet,
		{Text, Opaque}: toOpaque, {Enum, Opaque}: toOpaque, {Opaque, Opaque}: toOpaque, {Inet, Opaque}: toOpaque,
		{Text, Interval}: textToOwn, {Text, Time}: textToOwn,
		{Text, UUID}: textToUUID, {UUID, UUID}: toUUID, {UUID, Binary}: uuidToBinary, {Binary, UUID}: binaryToUUID,
		{Text, Inet}: toInet, {Inet, Inet}: toInet, {Opaque, Inet}: toInet,

		{Binary, Binary}: toBinary,
		{JSON, JSON}:     toJSON, {Text, JSON}: toJSON, {Array, JSON}: arrayToJSON, {JSON, Array}: jsonToArray, {Text, Array}: textToArray,
		{Array, Array}: same, {Set, Array}: setToArray,
	}
}

// same is the route of classes whose texts mean the same everywhere.
func same(from, to Type) (route, error) {
	if from.Class == Array && !sameType(from, to) {
		return route{}, mismatch(from, to, "their elements differ")
	}
	return route{}, nil
}

// NewPlan compares two columns' types. It's nil when every text goes through as it is. An [ErrMismatch] says that
// the one type doesn't carry the other's values at all.
func NewPlan(from, to Type, policy Policy) (*Plan, error) {
	r, err := findRoute(from, to, policy)
	if err != nil {
		return nil, err
	}
	if r.convert == nil && !r.lossy {
		return nil, nil
	}
	return &Plan{from, to, policy, r.convert, r.limits, r.lossy}, nil
}

func findRoute(from, to Type, policy Policy) (route, error) {
	if sameType(from, to) && (sameModifiers(from, to) || !from.Declared && !to.alters()) {
		return route{}, nil
	}
	if find, ok := routers[[2]Class{from.Class, to.Class}]; ok {
		r, err := find(from, to)
		if from.padded() && to.Class != Text {
			r.convert = unpadded(r.convert)
		}
		return r, err
	}
	switch {
	case sameType(from, to):
		return route{}, nil
	case policy == TextValue && to.Class == Text:
		return toText(from, to)
	case policy == TextValue && from.Class == Text:
		r, err := textToOwn(from, to)
		if from.padded() {
			r.convert = unpadded(r.convert)
		}
		return r, err
	}
	hint := ""
	if from.Class == Text || to.Class == Text {
		hint = "with on_unrepresentable: text the text column holds it as text"
	}
	return route{}, mismatch(from, to, hint)
}

// unpadded takes the spaces away that a text is padded with, which mean nothing.
func unpadded(inner converter) converter {
	return func(s string) (string, *unfit) {
		s = strings.TrimRight(s, " ")
		if inner == nil {
			return s, nil
		}
		return inner(s)
	}
}

func mismatch(from, to Type, why string) error {
	err := fmt.Errorf("%w: %s can't carry %s", ErrMismatch, to, from)
	if why != "" {
		err = fmt.Errorf("%w: %s", err, why)
	}
	return err
}

// Apply takes one text over. The value is NULL where the policy makes it so. The error is an [UnfitError].
func (p *Plan) Apply(text string) (change.Value, error) {
	if p == nil || p.convert == nil {
		return change.Text(text), nil
	}
	out, bad := p.convert(text)
	switch {
	case bad == nil:
		return change.Text(out), nil
	case bad.malformed:
	case p.policy == NullValue:
		return change.Null, nil
	case p.policy == ClampValue && bad.clamps:
		return change.Text(bad.nearest), nil
	}
	return change.Value{}, &UnfitError{From: p.from, To: p.to, Reason: bad.reason, Malformed: bad.malformed}
}

// Value takes a value over: text by [Plan.Apply], NULL and an absent column as they are.
func (p *Plan) Value(v change.Value) (change.Value, error) {
	text, ok := v.Text()
	if !ok || p == nil {
		return v, nil
	}
	return p.Apply(text)
}

// Limits lists the values of the one type that the other can't hold: "NaN", "longer than 10 characters". Types
// from a record count as the widest of their name, so compare catalogs with catalogs.
func (p *Plan) Limits() []string {
	if p == nil {
		return nil
	}
	return p.limits
}

// Lossy reports whether what the plan stores may differ from what was sent, in more than the way it's written:
// because the policy changes what doesn't fit, or because the type has another form for what does.
func (p *Plan) Lossy() bool {
	if p == nil {
		return false
	}
	return p.lossy || len(p.limits) > 0 && (p.policy == NullValue || p.policy == ClampValue)
}

// String is the plan for messages: "numeric to decimal(10,2)".
func (p *Plan) String() string {
	if p == nil {
		return "as it is"
	}
	return p.from.String() + " to " + p.to.String()
}
