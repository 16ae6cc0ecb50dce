// The command that creates a schedule, and the checks of its sections and options.

package seats

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"onsale/domain"
)

// Section is a part of a schedule with one price. Seats are numbered 1..N (scheduleSeatId) through sections, rows and the seats
// of a row, in this order.
type Section struct {
	Name  string `json:"name"`
	Price int64  `json:"price"` // in the currency's minor unit
	Rows  []Row  `json:"rows"`
}

// Row has its seats numbered from 1.
type Row struct {
	Name  string `json:"name"`
	Seats int    `json:"seats"`
}

// Create creates a schedule; its id is the command's entity.
type Create struct {
	Title           string      `json:"title"`
	StartsAt        domain.Time `json:"startsAt,omitzero"`
	HoldSeconds     int         `json:"holdSeconds"`     // 1 to 86,400
	MaxSeatsPerUser int         `json:"maxSeatsPerUser"` // 1 to 1,000
	Options
	Sections []Section `json:"sections"`
}

// Options of a schedule. The zero value: seats cost nothing to reserve, no extensions, orphans are allowed, seats are released at once.
type Options struct {
	Payment             string       `json:"payment,omitempty"`             // PaymentRequired: seats are reserved by paid orders only; "": without a payment
	RefundTiers         []RefundTier `json:"refundTiers,omitempty"`         // what a user gets back who cancels a paid reservation; at most 10
	MaxExtensions       int          `json:"maxExtensions,omitempty"`       // of a hold, 0 to 100
	MaxHoldSeconds      int          `json:"maxHoldSeconds,omitempty"`      // of a hold with its extensions, holdSeconds to 86,400
	NoOrphans           bool         `json:"noOrphans,omitempty"`           // chosen seats must not leave a single free one, where that can be avoided
	ReleaseEverySeconds int          `json:"releaseEverySeconds,omitempty"` // seats of expired holds are released together, at multiples of this since 1970; 0: at once; to 3,600
}

// PaymentRequired is a schedule whose holds are ordered and paid.
const PaymentRequired = "required"

// RefundTier applies to cancellations up to UntilSeconds before the start. The tiers of a schedule are in the order of time.
type RefundTier struct {
	UntilSeconds int64 `json:"untilSeconds"` // 0 to 31,622,400 (366 days); less than that of the tier before it
	Percent      int   `json:"percent"`      // of the amount that was paid, 0 to 100; not more than that of the tier before it
}

const maxUntilSeconds = 366 * 24 * 60 * 60

func (Create) Type() (string, int) { return "seats.create", 1 }
func (c Create) Check() error {
	switch {
	case c.HoldSeconds < 1 || c.HoldSeconds > MaxHoldSeconds:
		return domain.InvalidField("holdSeconds", "1 to %d", MaxHoldSeconds)
	case c.MaxSeatsPerUser < 1 || c.MaxSeatsPerUser > MaxPerUser:
		return domain.InvalidField("maxSeatsPerUser", "1 to %d", MaxPerUser)
	case len(c.Sections) == 0 || len(c.Sections) > MaxSections:
		return domain.InvalidField("sections", "1 to %d", MaxSections)
	}
	if err := domain.CheckName("title", c.Title, MaxTitle); err != nil {
		return err
	}
	if err := c.Options.check(c.HoldSeconds, c.StartsAt); err != nil {
		return err
	}
	if err := checkSections(c.Sections); err != nil {
		return err
	}
	if text, err := json.Marshal(c.Sections); err != nil || len(text) > MaxLayoutBytes {
		return domain.InvalidField("sections", "at most %d bytes of JSON", MaxLayoutBytes)
	}
	return nil
}

func (o Options) check(holdSeconds int, startsAt domain.Time) error {
	switch {
	case o.Payment != "" && o.Payment != PaymentRequired:
		return domain.InvalidField("payment", `"none" or "required"`)
	case o.MaxExtensions < 0 || o.MaxExtensions > MaxExtensions:
		return domain.InvalidField("maxExtensions", "0 to %d", MaxExtensions)
	case o.MaxHoldSeconds != 0 && (o.MaxHoldSeconds < holdSeconds || o.MaxHoldSeconds > MaxHoldSeconds):
		return domain.InvalidField("maxHoldSeconds", "holdSeconds to %d", MaxHoldSeconds)
	case o.ReleaseEverySeconds < 0 || o.ReleaseEverySeconds > MaxReleaseSeconds:
		return domain.InvalidField("releaseEverySeconds", "0 to %d", MaxReleaseSeconds)
	}
	return o.checkRefundTiers(startsAt)
}

func (o Options) checkRefundTiers(startsAt domain.Time) error {
	switch {
	case len(o.RefundTiers) == 0:
		return nil
	case len(o.RefundTiers) > MaxRefundTiers:
		return domain.InvalidField("refundTiers", "at most %d", MaxRefundTiers)
	case o.Payment != PaymentRequired:
		return domain.InvalidField("refundTiers", `needs "payment":"required"`)
	case startsAt == 0:
		return domain.InvalidField("refundTiers", "needs startsAt")
	}
	before, less, noMore := RefundTier{maxUntilSeconds + 1, 100}, "", ""
	for i, tier := range o.RefundTiers {
		at := fmt.Sprintf("refundTiers[%d]", i)
		switch {
		case before.UntilSeconds == 0:
			return domain.InvalidField(at, "no tier can follow one with untilSeconds 0")
		case tier.UntilSeconds < 0 || tier.UntilSeconds >= before.UntilSeconds:
			return domain.InvalidField(at+".untilSeconds", "0 to %d%s", before.UntilSeconds-1, less)
		case tier.Percent < 0 || tier.Percent > before.Percent:
			return domain.InvalidField(at+".percent", "0 to %d%s", before.Percent, noMore)
		}
		before, less, noMore = tier, ": less than in the tier before", ": no more than in the tier before"
	}
	return nil
}

func checkSections(sections []Section) error {
	rows, total := 0, 0
	names, labels := map[string]bool{}, map[string]bool{} // of sections, and of the first seat in each row
	for i, section := range sections {
		at := fmt.Sprintf("sections[%d]", i)
		if !isName(section.Name) {
			return domain.InvalidField(at+".name", nameProblem, MaxName)
		}
		if names[section.Name] {
			return domain.InvalidField(at+".name", "is the name of an earlier section")
		}
		names[section.Name] = true
		if section.Price < 0 || section.Price > MaxPrice {
			return domain.InvalidField(at+".price", "0 to %d", MaxPrice)
		}
		if len(section.Rows) == 0 {
			return domain.InvalidField(at+".rows", "at least one row")
		}
		for j, row := range section.Rows {
			at := fmt.Sprintf("%s.rows[%d]", at, j)
			if !isName(row.Name) {
				return domain.InvalidField(at+".name", nameProblem, MaxName)
			}
			if row.Seats < 1 || row.Seats > MaxSeats {
				return domain.InvalidField(at+".seats", "1 to %d", MaxSeats)
			}
			if rows, total = rows+1, total+row.Seats; rows > MaxRows || total > MaxSeats {
				return domain.InvalidField("sections", "at most %d rows and %d seats in all", MaxRows, MaxSeats)
			}
			first := label(section.Name, row.Name, 1) // rows that share a label share this one
			if labels[first] {
				return domain.InvalidField(at+".name", "an earlier row has the seat %s, too", first)
			}
			labels[first] = true
		}
	}
	return nil
}

const nameProblem = "1 to %d printable bytes, without a space at either end"

// isName says whether s can be the name of a section or row: names that look the same are the same, as far as characters that
// cannot be seen go. It counts a name as JSON spells it, where "<" takes six bytes: a hold repeats the names for each of its seats.
func isName(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
			return false
		}
	}
	text, err := json.Marshal(s)
	return err == nil && s != "" && strings.TrimSpace(s) == s && len(text) <= len(`""`)+MaxName
}

// checkSection accepts what can be the name of a section, and "" for all.
func checkSection(field, name string) error {
	if name != "" && !isName(name) {
		return domain.InvalidField(field, nameProblem, MaxName)
	}
	return nil
}
