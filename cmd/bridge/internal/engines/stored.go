package engines

// Stored is the region's database as bridge left it. Bytes are of the database's log.
type Stored struct {
	Slot         string            `json:"slot,omitempty"` // PostgreSQL's, as all up to WALStatus
	SlotActive   bool              `json:"slot_active"`
	Confirmed    string            `json:"confirmed,omitempty"` // what the slot's reader has dealt with
	SlotLagBytes int64             `json:"slot_lag_bytes"`      // from there to the end of the log
	KeptBytes    int64             `json:"kept_bytes"`          // what the slot keeps on disk
	WALStatus    string            `json:"wal_status,omitempty"`
	LogEnd       string            `json:"log_end,omitempty"` // MySQL's and MariaDB's: where the binary log ends
	Applied      map[string]uint64 `json:"applied"`           // by origin, from bridge.progress
}
