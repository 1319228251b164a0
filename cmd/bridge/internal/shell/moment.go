package shell

import (
	"fmt"
	"time"

	"bridge/config"
)

// Moment is the time that a flag says, or so long ago as it says; zero if text is empty.
func Moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, time.UTC); err == nil {
		return t, nil
	}
	var age config.Duration
	if err := age.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, Usage(fmt.Errorf("%s %q is neither an age (90m, 24h, 7d) nor a time (2026-01-31, 2026-01-31T12:00:00Z)", flag, text))
	}
	return now.Add(-age.Std()), nil
}
