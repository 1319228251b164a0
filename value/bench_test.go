package value

import "testing"

func BenchmarkApply(b *testing.B) {
	for _, bench := range []struct{ name, from, to, text string }{
		{"identity", "postgres integer", "mysql int", "12345"},
		{"integer", "wire mysql bigint unsigned", "postgres bigint", "1234567890123"},
		{"decimal", "wire postgres numeric", "mysql decimal(10,2)", "12345.67"},
		{"decimal/padded", "wire postgres numeric", "mysql decimal(10,2)", "12345.6"},
		{"float", "wire postgres double precision", "mysql double", "12345.678"},
		{"boolean", "wire postgres boolean", "mysql tinyint(1)", "t"},
		{"text", "wire postgres text", "mysql varchar(100)", "The quick brown fox jumps over the lazy dog"},
		{"text/latin1", "wire postgres text", "mysql varchar(100) COLLATE latin1_bin", "The quick brown fox jumps over the lazy dög"},
		{"timestamp", "wire postgres timestamp with time zone", "mysql datetime(6)", "2024-01-02 03:04:05.123456+00"},
		{"timestamp/back", "wire mysql datetime", "postgres timestamp with time zone", "2024-01-02 03:04:05.123456"},
		{"timestamp/unix", "wire postgres timestamp with time zone", "mysql timestamp(6)", "2024-01-02 03:04:05.123456+00"},
		{"jsonb", "wire postgres jsonb", "mysql json", `{"id": 17, "tags": ["a", "b"], "price": 12.50}`},
		{"json/back", "wire mysql json", "postgres jsonb", `{"id": 17, "tags": ["a", "b"], "price": 12.5}`},
		{"array", "wire postgres integer[]", "mysql json", "{1,2,3,4}"},
		{"uuid/binary", "wire postgres uuid", "mysql binary(16)", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			p, err := NewPlan(typeOf(b, bench.from), typeOf(b, bench.to), RefuseValue)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Apply(bench.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
