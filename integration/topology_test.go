package integration

import (
	"fmt"
	"testing"
)

// TestConverge is I1 and I2 on every topology: two, three and five regions, one broker for all or one per
// region, PostgreSQL 15 and 18, under a load that conflicts.
func TestConverge(t *testing.T) {
	for _, c := range []struct {
		regions, version int
		broker           brokerKind
	}{
		{2, 15, embeddedBroker},
		{2, 18, apacheKafka},
		{3, 15, embeddedEach},
		{3, 15, apacheKafka},
		{5, 18, embeddedBroker},
	} {
		t.Run(fmt.Sprintf("%d regions, PostgreSQL %d, %s", c.regions, c.version, c.broker), func(t *testing.T) {
			t.Parallel()
			m := start(t, options{regions: c.regions, version: c.version, broker: c.broker, schema: workloadSchema})
			l := m.load(loadRate(300 / c.regions))
			l.untilEach(150)
			l.stop()
			l.verify()
		})
	}
}
