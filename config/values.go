// The kinds of value that neither Go nor pflag has: a size in bytes, the choice
// of sync, a list. Each reads what it prints.

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

// Set reads a size: a number, and B, KiB, MiB, GiB, TiB, or KB, MB, … in
// thousands.
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

// String writes a size in the largest unit that leaves no remainder.
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

// Type names the kind of value in help and faults.
func (s Size) Type() string { return "size" }

// Sync is when a log entry reaches the disk: Always before its acknowledgement,
// or within Interval. The zero Sync means that the server decides, which an
// external NATS does.
type Sync struct {
	Always   bool
	Interval time.Duration
}

// Set reads always or a duration.
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

// String writes what Set reads.
func (s Sync) String() string {
	switch s {
	case Sync{Always: true}:
		return "always"
	case Sync{}:
		return ""
	}
	return s.Interval.String()
}

// Type names the kind of value in help and faults.
func (s Sync) Type() string { return "sync" }

// list is comma separated text, each entry trimmed; the empty text is no entry.
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
