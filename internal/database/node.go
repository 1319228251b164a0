package database

import (
	"errors"
	"fmt"
)

// Format is the version of bridge's own tables that this program reads and writes. A database of a
// newer format is refused; an older one is brought up to date by "bridge init".
const Format = 1

// Node is the row of bridge.node: which region a database is.
type Node struct {
	Cluster     string
	Region      string
	Incarnation uint32
	Format      int
}

// ErrNotInstalled means that the database has no bridge.node row: "bridge init" wasn't run here.
var ErrNotInstalled = errors.New(`bridge's tables are missing in this database: run "bridge init"`)

// Match refuses a database that is another region's, or that a newer bridge has set up.
func (n Node) Match(cluster, region string) error {
	if n.Cluster != cluster || n.Region != region {
		return fmt.Errorf("this database is region %s of cluster %s (bridge.node), but the configuration says region %s of cluster %s: "+
			"check the database's address and the cluster and region names", n.Region, n.Cluster, region, cluster)
	}
	if n.Format > Format {
		return fmt.Errorf("bridge.node has format %d, this program knows %d: use a newer bridge", n.Format, Format)
	}
	return nil
}
