// Opening a schedule.

package seats

import (
	"encoding/json"
	"fmt"
	"unicode"

	"onsale/domain"
)

// The largest schedule, and what a command or an event may name.
const (
	MaxSeats           = 200_000 // of a schedule: twice the largest stadium
	MaxRows            = 10_000
	MaxSeatsPerCommand = 1_000 // seats named in one command
	MaxName            = 40    // bytes of a section's or a row's name, as JSON spells it
	MaxTitle           = 200   // bytes
	MaxPrice           = 1_000_000_000_000
	MaxHoldSeconds     = 86_400 // seconds
	MaxPerUser         = 1_000
	MaxSections        = 1_000
	MaxExtensions      = 100       // extensions of a hold
	MaxReleaseSeconds  = 3_600     // seconds between the times at which seats come back
	MaxLayoutBytes     = 240 << 10 // bytes of all sections as JSON: the event that carries them has to fit into EVENTS
)

func (s *State) create(c domain.Command, body Create) domain.Event {
	if body.Check() != nil {
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	if s.schedules[c.Entity] != nil {
		return domain.Reject(c, domain.ScheduleExists, domain.Details{})
	}
	return domain.NewOutcome(c, Created{
		ScheduleID: c.Entity, Title: body.Title, StartsAt: body.StartsAt, HoldSeconds: body.HoldSeconds,
		MaxSeatsPerUser: body.MaxSeatsPerUser, Options: body.Options, Sections: body.Sections,
	})
}

// Check says which field of c has a wrong shape, as a *domain.FieldError.
func (c Create) Check() error {
	fieldErr := func(field, problem string, args ...any) error {
		return &domain.FieldError{Field: field, Problem: fmt.Sprintf(problem, args...)}
	}
	switch {
	case c.Title == "" || len(c.Title) > MaxTitle:
		return fieldErr("title", "1 to %d bytes", MaxTitle)
	case c.HoldSeconds < 1 || c.HoldSeconds > MaxHoldSeconds:
		return fieldErr("holdSeconds", "1 to %d", MaxHoldSeconds)
	case c.MaxSeatsPerUser < 1 || c.MaxSeatsPerUser > MaxPerUser:
		return fieldErr("maxSeatsPerUser", "1 to %d", MaxPerUser)
	case len(c.Sections) == 0 || len(c.Sections) > MaxSections:
		return fieldErr("sections", "1 to %d", MaxSections)
	}
	if err := c.Options.validate(c.HoldSeconds); err != nil {
		return err
	}
	rows, total := 0, 0
	for i, section := range c.Sections {
		at := fmt.Sprintf("sections[%d]", i)
		if !validName(section.Name) {
			return fieldErr(at+".name", "1 to %d printable bytes", MaxName)
		}
		if section.Price < 0 || section.Price > MaxPrice {
			return fieldErr(at+".price", "0 to %d", MaxPrice)
		}
		if len(section.Rows) == 0 {
			return fieldErr(at+".rows", "at least one row")
		}
		for j, row := range section.Rows {
			at := fmt.Sprintf("%s.rows[%d]", at, j)
			if !validName(row.Name) {
				return fieldErr(at+".name", "1 to %d printable bytes", MaxName)
			}
			if row.Seats < 1 || row.Seats > MaxSeats {
				return fieldErr(at+".seats", "1 to %d", MaxSeats)
			}
			if rows, total = rows+1, total+row.Seats; rows > MaxRows || total > MaxSeats {
				return fieldErr("sections", "at most %d rows and %d seats in all", MaxRows, MaxSeats)
			}
		}
	}
	if text, err := json.Marshal(c.Sections); err != nil || len(text) > MaxLayoutBytes {
		return fieldErr("sections", "at most %d bytes of JSON", MaxLayoutBytes)
	}
	return nil
}

func (o Options) validate(holdSeconds int) error {
	switch {
	case o.MaxExtensions < 0 || o.MaxExtensions > MaxExtensions:
		return &domain.FieldError{Field: "maxExtensions", Problem: fmt.Sprintf("0 to %d", MaxExtensions)}
	case o.MaxHoldSeconds != 0 && (o.MaxHoldSeconds < holdSeconds || o.MaxHoldSeconds > MaxHoldSeconds):
		return &domain.FieldError{Field: "maxHoldSeconds", Problem: fmt.Sprintf("holdSeconds to %d", MaxHoldSeconds)}
	case o.ReleaseEverySeconds < 0 || o.ReleaseEverySeconds > MaxReleaseSeconds:
		return &domain.FieldError{Field: "releaseEverySeconds", Problem: fmt.Sprintf("0 to %d", MaxReleaseSeconds)}
	}
	return nil
}

// validName counts a name as JSON spells it, where "<" takes six bytes: a hold repeats the names for each of its seats.
func validName(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	text, err := json.Marshal(s)
	return err == nil && s != "" && len(text) <= len(`""`)+MaxName
}
