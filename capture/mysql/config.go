package mysql

import (
	"cmp"
	"hash/fnv"
	"os"
	"time"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
)

// Config says which log to read, and from where. Zero values stand for the defaults named here.
type Config struct {
	// Server is the server whose log is read. A Unix socket is the fastest way.
	Server mysql.Server
	// Name is the connections' program_name. Default "bridge".
	Name string
	// ServerID is the server_id under which the log is asked for: another than the server's own, its
	// replicas', and every other bridge's. Default: one derived from Name, see [DeriveServerID].
	ServerID uint32
	// Selected says which tables are replicated; nil selects all. The server's own databases and bridge's
	// never are.
	Selected func(change.TableName) bool
	// Outward is how rows go to the other regions. Selected is asked with local names.
	Outward capture.Outward
	// Start is where to go on: the Position of the last event that is dealt with. Its transaction doesn't
	// come again. The zero Position starts where the log ends now.
	Start change.Position

	// SpillMemory is how many bytes of prepared XA transactions are kept in memory. Default 16 MiB.
	SpillMemory int64
	// SpillDir is where the rest of them goes, into files that vanish with the process. Default
	// os.TempDir().
	SpillDir string
	// IdleInterval is how often the server is asked for a sign of life when nothing happens, and so how
	// often Idle events come then. Default 1 s.
	IdleInterval time.Duration

	silence time.Duration // how long the server may send nothing: it sends a heartbeat every IdleInterval. Default a minute
}

func (c Config) withDefaults() Config {
	c.Name = cmp.Or(c.Name, "bridge")
	c.SpillMemory = cmp.Or(c.SpillMemory, 16<<20)
	c.SpillDir = cmp.Or(c.SpillDir, os.TempDir())
	c.IdleInterval = cmp.Or(c.IdleInterval, time.Second)
	c.silence = cmp.Or(c.silence, time.Minute)
	if c.ServerID == 0 {
		c.ServerID = DeriveServerID(c.Name)
	}
	return c
}

// DeriveServerID makes a server_id from a name that's unique to a bridge, such as "cluster/region". It's
// at least 2^31, where people put no ids by hand: two names rarely share one (1 in 2^31).
func DeriveServerID(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return h.Sum32() | 1<<31
}
