package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// decoder fills a struct from YAML nodes and goes on after a problem, so that all are found at once.
type decoder struct {
	outside  Outside
	problems []Problem
	// places remembers where a path was set, for the problems that validation finds later.
	places map[string]place
	// sources are the nodes that came from the environment or a flag, not from the file: they say so
	// and aren't expanded.
	sources map[*yaml.Node]string
}

type place struct {
	line   int
	source string
}

// shortened is a block that may be written as one word.
type shortened interface{ shorten(text string) }

// defaulter is a value that isn't made empty.
type defaulter interface{ setDefaults() }

func (d *decoder) add(path string, n *yaml.Node, text, fix string) {
	d.problems = append(d.problems, Problem{Path: path, Line: n.Line, Source: d.sources[n], Text: text, Fix: fix})
}

// value decodes one node by the type of v. A null leaves the default.
func (d *decoder) value(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.places[path] = place{n.Line, d.sources[n]}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.scalar(path, n, v)
		return
	}
	if s, ok := v.Addr().Interface().(shortened); ok && n.Kind == yaml.ScalarNode {
		if text, ok := d.text(path, n); ok {
			s.shorten(text)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(path, n, v)
	case reflect.Map:
		d.dictionary(path, n, v)
	case reflect.Slice:
		d.list(path, n, v)
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		if x, ok := p.Interface().(defaulter); ok {
			x.setDefaults()
		}
		d.value(path, n, p.Elem())
		v.Set(p)
	default:
		d.scalar(path, n, v)
	}
}

// entries calls f for each key of a mapping; a key that stands twice is a problem.
func (d *decoder) entries(path string, n *yaml.Node, f func(key string, k, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.add(path, n, "must be a block of keys and values", "")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			d.add(path, k, "has a key that isn't a plain word", "")
			continue
		}
		if line, twice := seen[k.Value]; twice {
			d.add(join(path, k.Value), k, fmt.Sprintf("is set twice, first in line %d", line), "keep one of the two")
			continue
		}
		seen[k.Value] = k.Line
		f(k.Value, k, n.Content[i+1])
	}
}

func (d *decoder) mapping(path string, n *yaml.Node, v reflect.Value) {
	fields := fieldsOf(v.Type())
	d.entries(path, n, func(key string, k, value *yaml.Node) {
		i, known := fields[key]
		if !known {
			names := slices.Sorted(maps.Keys(fields))
			fix := "known here: " + strings.Join(names, ", ")
			if meant := nearest(key, names); meant != "" {
				fix = fmt.Sprintf("did you mean %q?", meant)
			}
			d.add(join(path, key), k, "unknown key", fix)
			return
		}
		d.value(join(path, key), value, v.Field(i))
	})
}

func (d *decoder) dictionary(path string, n *yaml.Node, v reflect.Value) {
	m := reflect.MakeMap(v.Type())
	d.entries(path, n, func(key string, _, value *yaml.Node) {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(join(path, key), value, e)
		m.SetMapIndex(reflect.ValueOf(key), e)
	})
	v.Set(m)
}

// list takes a sequence or, as the environment can't hold one, a scalar with commas.
func (d *decoder) list(path string, n *yaml.Node, v reflect.Value) {
	var items []string
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			at := path + "[" + strconv.Itoa(i) + "]"
			d.places[at] = place{item.Line, ""}
			if text, ok := d.text(at, item); ok {
				items = append(items, text)
			}
		}
	case yaml.ScalarNode:
		text, ok := d.text(path, n)
		if !ok {
			return
		}
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
	default:
		d.add(path, n, "must be a list", "write [one, two]")
		return
	}
	v.Set(reflect.ValueOf(items))
}

// text is a scalar's text, expanded unless it came from outside already.
func (d *decoder) text(path string, n *yaml.Node) (string, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		d.add(path, n, "must be a single value", "")
		return "", false
	}
	if d.sources[n] != "" {
		return n.Value, true
	}
	text, err := d.outside.expand(n.Value)
	if err != nil {
		d.add(path, n, err.Error(), "")
		return "", false
	}
	return text, true
}

// scalar parses a scalar by the type of v. Messages don't repeat the value: it may have come from a
// secret that stands in the wrong place.
func (d *decoder) scalar(path string, n *yaml.Node, v reflect.Value) {
	text, ok := d.text(path, n)
	if !ok {
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			d.add(path, n, err.Error(), "")
		}
		return
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		err = setBool(v, text)
	case reflect.Int:
		var x int64
		x, err = strconv.ParseInt(text, 10, 32)
		v.SetInt(x)
	case reflect.Uint16:
		var x uint64
		x, err = strconv.ParseUint(text, 10, 16)
		v.SetUint(x)
	case reflect.Uint32:
		var x uint64
		x, err = strconv.ParseUint(text, 10, 32)
		v.SetUint(x)
	default:
		panic("config: field " + path + " has a type the decoder doesn't know: " + v.Type().String())
	}
	if err != nil {
		d.add(path, n, "isn't "+wanted[v.Kind()], "")
	}
}

var wanted = map[reflect.Kind]string{
	reflect.Bool:   "true or false",
	reflect.Int:    "a whole number",
	reflect.Uint16: "a whole number from 0 to 65535",
	reflect.Uint32: "a whole number from 0 to 4294967295",
}

// setBool takes the two words only: "yes" and "on" mean text in YAML 1.2, and a guess might be wrong.
func setBool(v reflect.Value, text string) error {
	if text != "true" && text != "false" {
		return strconv.ErrSyntax
	}
	v.SetBool(text == "true")
	return nil
}

// fieldsOf maps a struct's YAML keys to its fields.
func fieldsOf(t reflect.Type) map[string]int {
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			fields[name] = i
		}
	}
	return fields
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
