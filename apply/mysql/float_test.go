package mysql

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/testserver"
)

func sameFloat(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && math.Float64bits(x) == math.Float64bits(y)
}

// TestFloatsAreExact: a float's shortest text brings back its bits, in both widths. The server is asked whether the
// column equals the number written with 17 digits, because it prints floats rounded; and for the sign of zero.
func TestFloatsAreExact(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.f (k int PRIMARY KEY, f float, d double)")
		table := change.NewTable(change.TableName{Schema: "app", Name: "f"},
			[]change.Column{{Name: "k", Type: "int", Key: true}, {Name: "f", Type: "float"}, {Name: "d", Type: "double"}}, true)
		rapid.Check(t, func(rt *rapid.T) {
			var writes []apply.Write
			var same []string
			for k := range rapid.IntRange(1, 100).Draw(rt, "rows") {
				f, d := rapid.Float32().Draw(rt, "float"), rapid.Float64().Draw(rt, "double")
				writes = append(writes, write(t, apply.Upsert, table, change.Text(fmt.Sprint(k)),
					change.Text(strconv.FormatFloat(float64(f), 'g', -1, 32)), change.Text(strconv.FormatFloat(d, 'g', -1, 64))))
				same = append(same, fmt.Sprintf("(k = %d AND f = %s AND d = %s)", k,
					strconv.FormatFloat(float64(f), 'e', 17, 64), strconv.FormatFloat(d, 'e', 17, 64)))
			}
			a.do(writes...)
			if got := rows(t, b.admin, "SELECT count(*) FROM app.f WHERE "+strings.Join(same, " OR ")); got[0] != fmt.Sprint(len(writes)) {
				rt.Fatalf("%s of %d rows are exact", got[0], len(writes))
			}
			for i := range writes {
				writes[i].Kind, writes[i].Image = apply.Delete, nil
			}
			a.do(writes...)
		})
		zero := change.Text("-0")
		a.do(write(t, apply.Upsert, table, change.Text("1"), zero, zero))
		a.do(write(t, apply.Update, table, change.Text("1"), zero, zero))
		want := "-0|-0"
		if flavor == testserver.FlavorMariaDB && !b.admin.Version().AtLeast(11, 0, 0) {
			want = "0|0" // it stores no other zero
		}
		if got := rows(t, b.admin, "SELECT f, d FROM app.f"); got[0] != want {
			t.Errorf("-0 became %s", got[0])
		}
	})
}
