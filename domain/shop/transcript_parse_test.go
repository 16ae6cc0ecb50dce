// The language of the transcripts: the details of a wish.
package shop_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"onsale/domain/coupons"
	"onsale/domain/seats"
)

func parsePromotion(id, text string) (c coupons.Create, err error) {
	c = coupons.Create{Name: id, PerUserLimit: 1}
	for part := range strings.SplitSeq(text, ", ") {
		word, rest, _ := strings.Cut(part, " ")
		switch {
		case word == "called":
			c.Name, err = strconv.Unquote(rest)
		case word == "opens":
			c.OpensAt, err = clockTime(rest)
		case word == "closes":
			c.ClosesAt, err = clockTime(rest)
		case rest == "each":
			c.PerUserLimit, err = strconv.Atoi(word)
		case rest == "unit", rest == "units":
			c.Stock, err = strconv.Atoi(word)
		default:
			err = fmt.Errorf("promotion with %q", part)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

var sectionForm = regexp.MustCompile(`^section (\S+) at (\S+)((?:, row \S+ of \S+)*)$`)

func parseSchedule(id, text string) (c seats.Create, err error) {
	c = seats.Create{Title: id, HoldSeconds: 600, MaxSeatsPerUser: 4}
	for part := range strings.SplitSeq(text, "; ") {
		m := sectionForm.FindStringSubmatch(part)
		word, rest, _ := strings.Cut(part, " ")
		switch {
		case m != nil:
			err = parseSection(&c, m)
		case word == "called":
			c.Title, err = strconv.Unquote(rest)
		case word == "starts":
			c.StartsAt, err = clockTime(rest)
		case word == "held":
			c.HoldSeconds, err = strconv.Atoi(strings.TrimSuffix(rest, " s"))
		case rest == "each":
			c.MaxSeatsPerUser, err = strconv.Atoi(word)
		case part != "no sections" && !parseOption(&c.Options, part):
			err = fmt.Errorf("schedule with %q", part)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

func parseSection(c *seats.Create, m []string) error {
	price, err := strconv.ParseInt(m[2], 10, 64)
	section := seats.Section{Name: m[1], Price: price}
	for _, row := range strings.Split(m[3], ", row ")[1:] {
		name, n, _ := strings.Cut(row, " of ")
		places, wrong := strconv.Atoi(n)
		err = errors.Join(err, wrong)
		section.Rows = append(section.Rows, seats.Row{Name: name, Seats: places})
	}
	c.Sections = append(c.Sections, section)
	return err
}

// parseSeats takes "h2000", "1 2 5-9", "h2000 1 2", and "nothing".
func parseSeats(text string) (hold string, ids []int, err error) {
	for word := range strings.FieldsSeq(text) {
		if word == "nothing" {
			continue
		}
		if word[0] == 'h' {
			hold = word
			continue
		}
		from, to, ranged := strings.Cut(word[1:], "-") // the first byte may be a minus
		from = word[:1] + from
		if !ranged {
			to = from
		}
		first, wrong := strconv.Atoi(from)
		last, wrong2 := strconv.Atoi(to)
		if err = errors.Join(err, wrong, wrong2); err != nil {
			return
		}
		for id := first; id <= last; id++ {
			ids = append(ids, id)
		}
	}
	return hold, ids, nil
}
