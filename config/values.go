// The kinds of value that pflag lacks: sizes in bytes, sync, lists. Each parses
// what it prints.

package config

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Size is a number of bytes, written as 8GiB or 512MiB.
type Size int64

// Units of Size.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

// Set parses a size: a number with B, KiB, MiB, GiB, TiB, or KB, MB, … for powers
// of a thousand.
func (s *Size) Set(text string) error {
	n, err := humanize.ParseBytes(text)
	if err == nil && n > math.MaxInt64 {
		err = errors.New("too large")
	}
	if err != nil {
		return err
	}
	*s = Size(n)
	return nil
}

// String formats a size in the largest unit that leaves no remainder.
func (s Size) String() string {
	switch {
	case s == 0:
		return "0"
	case s%GiB == 0:
		return fmt.Sprintf("%dGiB", s/GiB)
	case s%MiB == 0:
		return fmt.Sprintf("%dMiB", s/MiB)
	case s%KiB == 0:
		return fmt.Sprintf("%dKiB", s/KiB)
	}
	return fmt.Sprintf("%dB", int64(s))
}

// Type names the kind of value in help texts and faults.
func (s Size) Type() string { return "size" }

// Sync is when a log entry is synced to disk: Always before its acknowledgement,
// or within Interval. The zero Sync leaves it to the server, an external NATS.
type Sync struct {
	Always   bool
	Interval time.Duration
}

// Set parses "always" or a duration.
func (s *Sync) Set(text string) error {
	if text == "always" {
		*s = Sync{Always: true}
		return nil
	}
	interval, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	*s = Sync{Interval: interval}
	return nil
}

// String formats what Set parses.
func (s Sync) String() string {
	switch s {
	case Sync{Always: true}:
		return "always"
	case Sync{}:
		return ""
	}
	return s.Interval.String()
}

// Type names the kind of value in help texts and faults.
func (s Sync) Type() string { return "sync" }

// list is comma separated text; entries are trimmed, empty ones left out.
type list []string

func (l *list) Set(text string) error {
	*l = nil
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			*l = append(*l, entry)
		}
	}
	return nil
}

func (l *list) String() string { return strings.Join(*l, ",") }
func (l *list) Type() string   { return "list" }
