package config

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const manual = "../docs/configuration.md"

// docs/configuration.md is made from the fields' comments and Default, so it can't lag behind.
func TestManualIsUpToDate(t *testing.T) {
	want := writeManual(t)
	if *update {
		if err := os.WriteFile(manual, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(manual)
	if err != nil || string(got) != want {
		t.Errorf("docs/configuration.md isn't what config.go says (%v): run go test ./config -update", err)
	}
}

// The example in the manual is a configuration that loads.
func TestManualExampleLoads(t *testing.T) {
	outside := world("/run/secrets/bridge_db", "x", "/run/secrets/bridge_kafka", "y")
	if _, err := Parse("example", []byte(example), outside); err != nil {
		t.Error(err)
	}
}

const example = `cluster: shop
region: eu
regions: {eu: {}, us: {}, ap: {}}

database:
  host: /var/run/postgresql     # a Unix socket: fastest on the same machine
  dbname: shop
  user: bridge
  password_file: /run/secrets/bridge_db

kafka:
  brokers: [kafka-1:9092, kafka-2:9092, kafka-3:9092]
  tls: {enabled: true}
  sasl: {mechanism: SCRAM-SHA-512, username: bridge, password: "${file:/run/secrets/bridge_kafka}"}

tables:
  include: ["public.*"]
  exclude: ["public.tmp_*"]

conflicts:
  default: last_write_wins

log: {level: "${LOG_LEVEL:info}"}
`

const introduction = `# Configuration

<!-- Made from config/config.go by "go test ./config -update". -->

One YAML file per region. What isn't known, or doesn't fit, is refused; "bridge print-config" prints what's in effect.

~~~yaml
` + example + `~~~

## Values

- A scalar may hold "${VAR}", "${VAR:default}" and "${file:/path}"; "$${" is a literal "${". They are expanded after the YAML
  was parsed: what comes in is always one value. A default is taken when the variable isn't set; one set to nothing is empty.
- Lengths of time have a unit: 100ms, 10s, 5m, 1h30m, 7d. Sizes too: 512MiB, 8MB, 100kB.
- Lists may be one string with commas, so that a variable can hold one.
- Order: "--set path=value" wins over the variables below, and they over the file.

`

func writeManual(t *testing.T) string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(strings.ReplaceAll(introduction, "~~~", "```"), `"`, "`"))
	text := b.String() // the YAML keeps its quotes
	text = strings.Replace(text, strings.ReplaceAll(example, `"`, "`"), example, 1)
	b.Reset()
	b.WriteString(text)
	b.WriteString("| variable | sets |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(Environment)) {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", name, Environment[name])
	}
	structs := parseStructs(t)
	m := manualWriter{t: t, b: &b, structs: structs}
	m.section("", "", reflect.ValueOf(*Default()))
	return b.String()
}

// parseStructs finds the struct types that are keys in the file.
func parseStructs(t *testing.T) map[string]*ast.TypeSpec {
	var decls []ast.Decl
	for _, name := range []string{"config.go", "conflicts.go", "constraints.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		decls = append(decls, file.Decls...)
	}
	structs := map[string]*ast.TypeSpec{}
	for _, d := range decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, s := range g.Specs {
			spec := s.(*ast.TypeSpec)
			spec.Doc = g.Doc
			structs[spec.Name.Name] = spec
		}
	}
	return structs
}

type manualWriter struct {
	t       *testing.T
	b       *strings.Builder
	structs map[string]*ast.TypeSpec
}

// section writes the table of one struct's scalars, then the sections of the structs in it.
func (m *manualWriter) section(path, doc string, v reflect.Value) {
	title := "The file"
	if path != "" {
		title = "`" + path + "`"
	}
	fmt.Fprintf(m.b, "\n## %s\n\n", title)
	if doc != "" {
		fmt.Fprintf(m.b, "%s\n\n", doc)
	}
	m.b.WriteString("| key | default | |\n|---|---|---|\n")
	fields := m.structs[v.Type().Name()].Type.(*ast.StructType).Fields.List
	for i, f := range fields {
		if !f.Names[0].IsExported() {
			continue
		}
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		text := strings.Join(strings.Fields(f.Doc.Text()), " ")
		if text == "" {
			m.t.Errorf("%s.%s has no comment", v.Type().Name(), f.Names[0])
		}
		fmt.Fprintf(m.b, "| `%s` | %s | %s |\n", key, m.value(v.Field(i)), text)
	}
	for i := range fields {
		inner, name := m.inside(v.Field(i))
		if inner.IsValid() {
			key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			doc := strings.Join(strings.Fields(m.structs[inner.Type().Name()].Doc.Text()), " ")
			_, doc, _ = strings.Cut(doc, ". ") // the first sentence is the type's
			m.section(join(path, key)+name, doc, inner)
		}
	}
}

// inside is the struct in a field whose fields are keys, and what stands for the name where there are many.
func (m *manualWriter) inside(v reflect.Value) (inner reflect.Value, name string) {
	of := v.Type()
	switch of.Kind() {
	case reflect.Map:
		of, name = of.Elem(), ".NAME"
	case reflect.Pointer:
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || m.structs[of.Name()] == nil || of.Name() == "Kafka" && v.Kind() == reflect.Pointer {
		return reflect.Value{}, ""
	}
	if of == v.Type() {
		return v, ""
	}
	return reflect.New(of).Elem(), name
}

func (m *manualWriter) hasSection(v reflect.Value) bool {
	inner, _ := m.inside(v)
	return inner.IsValid()
}

func (m *manualWriter) value(v reflect.Value) string {
	switch {
	case m.hasSection(v):
		return "below"
	case v.IsZero() && v.Kind() != reflect.Bool:
		return ""
	case v.Kind() == reflect.Slice:
		return fmt.Sprintf("`%s`", strings.Join(v.Interface().([]string), ", "))
	}
	return fmt.Sprintf("`%v`", v.Interface())
}
