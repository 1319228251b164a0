package integration

import (
	"strings"
	"testing"

	"bridge/config"
)

// alike are meshes whose regions have one engine.
var alike = [][]string{{config.MySQL, config.MySQL}, {config.MariaDB, config.MariaDB}}

func onEach(t *testing.T, all [][]string, f func(t *testing.T, engines []string)) {
	for _, engines := range all {
		t.Run(strings.Join(engines, ", "), func(t *testing.T) {
			t.Parallel()
			f(t, engines)
		})
	}
}

// TestConvergeOnMySQL is I1 and I2 where the regions are MySQL or MariaDB, under a load that conflicts.
func TestConvergeOnMySQL(t *testing.T) {
	onEach(t, alike, func(t *testing.T, engines []string) {
		m := start(t, withWorkload(options{engines: engines}))
		l := m.load(loadRate(100))
		l.untilEach(150)
		l.stop()
		l.verify()
	})
}
