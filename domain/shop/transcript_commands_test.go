// The language of the transcripts: what can be asked.
package shop_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
)

// A line is a time (or "+": the same message of the log), who asks, perhaps the key of the request, and the wish.
var lineForm = regexp.MustCompile(`^(\d\d:\d\d:\d\d\.\d{3}|\+)\s+(\S+)(?:\s+\[(\S+)\])?\s+(.+)$`)

func (d *diary) enter(line string) error {
	if what, ok := strings.CutPrefix(line, "show "); ok {
		return d.show(what)
	}
	m := lineForm.FindStringSubmatch(line)
	if m == nil {
		return errors.New("no line of a diary")
	}
	if m[1] != "+" {
		at, err := clockTime(m[1])
		if err != nil {
			return err
		}
		d.arrive(at)
	}
	who, key, wish := m[2], m[3], m[4]
	if crowd, ok := crowdOf(who, wish); ok {
		return d.crowd(crowd)
	}
	if who == "provider" {
		return d.says(wish)
	}
	entity, body, err := parse(wish)
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
	d.tell(d.ask(who, key, entity, body))
	return nil
}

// Each wish is a sentence; what it fills in are an entity and a command.
type wishForm struct {
	form *regexp.Regexp
	make func(m []string) (entity string, body domain.Body, err error)
}

var wishes = []wishForm{
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
		return "lost", unruled{}, nil
	}},
	{regexp.MustCompile(`^ticks$`), func([]string) (string, domain.Body, error) { return "", domain.Clock{}, nil }},
	{regexp.MustCompile(`^lost a line here$`), func([]string) (string, domain.Body, error) { return "", domain.Void{}, nil }},
	{regexp.MustCompile(`^"(.*)"$`), func(m []string) (string, domain.Body, error) {
		return "", domain.Malformed{Bytes: []byte(m[1])}, nil
	}},
}

func parse(wish string) (string, domain.Body, error) {
	for _, w := range slices.Concat(wishes, couponWishes, seatWishes, orderWishes, alarmWishes) {
		if m := w.form.FindStringSubmatch(wish); m != nil {
			return w.make(m)
		}
	}
	return "", nil, errors.New("no wish that a diary knows")
}
