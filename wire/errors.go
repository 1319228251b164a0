package wire

import (
	"errors"
	"fmt"
)

var (
	// ErrNewer is wrapped by the errors for records that a newer bridge wrote: this one must be upgraded
	// before it can go on.
	ErrNewer = errors.New("record was written by a newer bridge: upgrade this one")
	// ErrCorrupt is wrapped by the errors for bytes that no bridge wrote.
	ErrCorrupt = errors.New("record is not bridge's or is damaged")
	// ErrCluster is wrapped by the errors for records of another cluster.
	ErrCluster = errors.New("record is of another cluster: two clusters share a topic")
)

func newer(pos int, format string, args ...any) error {
	return fmt.Errorf("%w (%s at byte %d)", ErrNewer, fmt.Sprintf(format, args...), pos)
}

func corrupt(pos int, format string, args ...any) error {
	return fmt.Errorf("%w (%s at byte %d)", ErrCorrupt, fmt.Sprintf(format, args...), pos)
}
