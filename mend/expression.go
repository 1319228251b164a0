package mend

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

// Kind is what an expression takes a column's values for.
type Kind string

// The kinds. A Double has 15 digits: it isn't for amounts of money.
const (
	Int    Kind = "int"
	Double Kind = "double"
	String Kind = "string"
	Bool   Kind = "bool"
)

// Expression computes a column's value from two versions of it, in the Common Expression Language (cel.dev), with the
// extensions for strings and math. Its variables are base (before both), a (the row as it is: the winner's) and b (the
// other's).
type Expression struct {
	kind    Kind
	program cel.Program
}

// mostSteps bounds what an expression may cost, in CEL's own units.
const mostSteps = 100_000

// Compile checks an expression: its syntax, and that it gives a value of the kind.
func Compile(text string, kind Kind) (*Expression, error) {
	of, ok := map[Kind]*cel.Type{Int: cel.IntType, Double: cel.DoubleType, String: cel.StringType, Bool: cel.BoolType}[kind]
	if !ok {
		return nil, fmt.Errorf("%q is not one of int, double, string and bool", kind)
	}
	env, err := cel.NewEnv(cel.Variable("base", of), cel.Variable("a", of), cel.Variable("b", of), ext.Strings(), ext.Math())
	if err != nil {
		return nil, err
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	if !checked.OutputType().IsExactType(of) {
		return nil, fmt.Errorf("it gives %s, and the column is taken as %s", checked.OutputType(), kind)
	}
	program, err := env.Program(checked, cel.CostLimit(mostSteps))
	if err != nil {
		return nil, err
	}
	return &Expression{kind, program}, nil
}

// Value computes the column's value. The error has no values in it.
func (e *Expression) Value(base, a, b string) (string, error) {
	vars := map[string]any{}
	for name, text := range map[string]string{"base": base, "a": a, "b": b} {
		v, err := e.kind.parse(text)
		if err != nil {
			return "", fmt.Errorf("%s isn't of kind %s", name, e.kind)
		}
		vars[name] = v
	}
	out, _, err := e.program.Eval(vars)
	if err != nil {
		return "", errors.New("the expression has no value: it overflows, divides by zero, or takes too long")
	}
	return e.kind.format(out)
}

func (k Kind) parse(text string) (any, error) {
	switch k {
	case Int:
		return strconv.ParseInt(text, 10, 64)
	case Double:
		return strconv.ParseFloat(text, 64)
	case Bool:
		switch text {
		case "t", "1":
			return true, nil
		case "f", "0":
			return false, nil
		}
		return strconv.ParseBool(text)
	}
	return text, nil
}

func (k Kind) format(v ref.Val) (string, error) {
	switch v := v.Value().(type) {
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", errors.New("the expression gives no finite number")
		}
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		if v {
			return "1", nil // what all engines take
		}
		return "0", nil
	case string:
		return v, nil
	}
	return "", fmt.Errorf("the expression gives a %s", v.Type())
}
