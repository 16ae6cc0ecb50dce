// The language of the transcripts: what can be asked.

package machine_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// A line is a time (or "+": the same message of the log), who asks, perhaps the key of the request, and the wish.
var linePattern = regexp.MustCompile(`^(\d\d:\d\d:\d\d\.\d{3}|\+)\s+(\S+)(?:\s+\[(\S+)\])?\s+(.+)$`)

func (d *transcript) runLine(line string) error {
	if what, ok := strings.CutPrefix(line, "show "); ok {
		return d.show(what)
	}
	m := linePattern.FindStringSubmatch(line)
	if m == nil {
		return errors.New("no line of a diary")
	}
	if m[1] != "+" {
		at, err := parseClock(m[1])
		if err != nil {
			return err
		}
		d.nextMessage(at)
	}
	who, key, command := m[2], m[3], m[4]
	if many, ok := expandMany(who, command); ok {
		return d.executeMany(many)
	}
	if who == "provider" {
		return d.recordPayment(command)
	}
	entity, body, err := parse(command)
	if err != nil {
		return err
	}
	if entity == "me" {
		entity = who
	}
	switch who {
	case "clock", "log", "noise":
		who, entity = "", domain.SystemEntity
	default:
		if key == "" {
			key = fmt.Sprintf("%d-%d", d.message, d.index)
		}
	}
	d.printEvents(d.submit(who, key, entity, body))
	return nil
}

// Each wish is a sentence; what it fills in are an entity and a command.
type commandPattern struct {
	pattern *regexp.Regexp
	build   func(m []string) (entity string, body domain.Body, err error)
}

var basicPatterns = []commandPattern{
	{regexp.MustCompile(`^creates promotion (\S+): (.*)$`), func(m []string) (string, domain.Body, error) {
		body, err := parsePromotion(m[1], m[2])
		return m[1], body, err
	}},
	{regexp.MustCompile(`^creates schedule (\S+): (.*)$`), func(m []string) (string, domain.Body, error) {
		body, err := parseSchedule(m[1], m[2])
		return m[1], body, err
	}},
	{regexp.MustCompile(`^asks for a coupon of (\S+)$`), func(m []string) (string, domain.Body, error) {
		return m[1], coupons.Issue{}, nil
	}},
	{regexp.MustCompile(`^asks for what no rule knows$`), func([]string) (string, domain.Body, error) {
		return "lost", unknownCommand{}, nil
	}},
	{regexp.MustCompile(`^ticks$`), func([]string) (string, domain.Body, error) { return "", domain.Tick{}, nil }},
	{regexp.MustCompile(`^lost a line here$`), func([]string) (string, domain.Body, error) { return "", domain.Noop{}, nil }},
	{regexp.MustCompile(`^"(.*)"$`), func(m []string) (string, domain.Body, error) {
		return "", domain.Malformed{Bytes: []byte(m[1])}, nil
	}},
}

func parse(text string) (string, domain.Body, error) {
	for _, p := range slices.Concat(basicPatterns, couponPatterns, seatPatterns, orderPatterns, alarmPatterns) {
		if m := p.pattern.FindStringSubmatch(text); m != nil {
			return p.build(m)
		}
	}
	return "", nil, errors.New("no wish that a diary knows")
}

// The language of the transcripts: the details of a wish.

func parsePromotion(id, text string) (c coupons.Create, err error) {
	c = coupons.Create{Name: id, PerUserLimit: 1}
	for part := range strings.SplitSeq(text, ", ") {
		word, rest, _ := strings.Cut(part, " ")
		switch {
		case word == "called":
			c.Name, err = strconv.Unquote(rest)
		case word == "opens":
			c.OpensAt, err = parseClock(rest)
		case word == "closes":
			c.ClosesAt, err = parseClock(rest)
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

var sectionPattern = regexp.MustCompile(`^section (\S+) at (\S+)((?:, row \S+ of \S+)*)$`)

func parseSchedule(id, text string) (c seats.Create, err error) {
	c = seats.Create{Title: id, HoldSeconds: 600, MaxSeatsPerUser: 4}
	for part := range strings.SplitSeq(text, "; ") {
		m := sectionPattern.FindStringSubmatch(part)
		word, rest, _ := strings.Cut(part, " ")
		switch {
		case m != nil:
			err = parseSection(&c, m)
		case word == "called":
			c.Title, err = strconv.Unquote(rest)
		case word == "starts":
			c.StartsAt, err = parseClock(rest)
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
		seatCount, convErr := strconv.Atoi(n)
		err = errors.Join(err, convErr)
		section.Rows = append(section.Rows, seats.Row{Name: name, Seats: seatCount})
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
		first, firstErr := strconv.Atoi(from)
		last, lastErr := strconv.Atoi(to)
		if err = errors.Join(err, firstErr, lastErr); err != nil {
			return
		}
		for id := first; id <= last; id++ {
			ids = append(ids, id)
		}
	}
	return hold, ids, nil
}
