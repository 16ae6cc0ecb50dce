package coupons

import (
	"errors"
	"strings"
	"testing"

	"onsale/domain"
)

// Everything to its edge is a promotion; one step further names the field.
func TestCreateCheck(t *testing.T) {
	with := func(change func(*Create)) Create {
		c := Create{Name: "n", Stock: 1, PerUserLimit: 1}
		change(&c)
		return c
	}
	for _, c := range []struct {
		name  string
		body  Create
		field string
	}{
		{"plain", with(func(*Create) {}), ""},
		{"no units", with(func(c *Create) { c.Stock = 0 }), ""},
		{"most units", with(func(c *Create) { c.Stock = MaxStock }), ""},
		{"more units", with(func(c *Create) { c.Stock = MaxStock + 1 }), "stock"},
		{"fewer units", with(func(c *Create) { c.Stock = -1 }), "stock"},
		{"longest name", with(func(c *Create) { c.Name = strings.Repeat("가", 66) + "ab" }), ""},
		{"longer name", with(func(c *Create) { c.Name = strings.Repeat("가", 67) }), "name"},
		{"no name", with(func(c *Create) { c.Name = "" }), "name"},
		{"most for one", with(func(c *Create) { c.PerUserLimit = MaxPerUserLimit }), ""},
		{"more for one", with(func(c *Create) { c.PerUserLimit = MaxPerUserLimit + 1 }), "perUserLimit"},
		{"none for anyone", with(func(c *Create) { c.PerUserLimit = 0 }), "perUserLimit"},
		{"closes only", with(func(c *Create) { c.ClosesAt = 1 }), ""},
		{"shortest", with(func(c *Create) { c.OpensAt, c.ClosesAt = 1, 2 }), ""},
		{"no time at all", with(func(c *Create) { c.OpensAt, c.ClosesAt = 2, 2 }), "closesAt"},
		{"closes first", with(func(c *Create) { c.OpensAt, c.ClosesAt = 2, 1 }), "closesAt"},
	} {
		if got := field(c.body.Check()); got != c.field {
			t.Errorf("%s: got %q, want %q", c.name, got, c.field)
		}
	}
}

func field(err error) string {
	if wrong, ok := errors.AsType[*domain.FieldError](err); ok {
		return wrong.Field
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Numbers and ids up to the largest stock, whose ids must still be ids.
func TestCouponID(t *testing.T) {
	longest := CouponID(strings.Repeat("p", 40), MaxStock)
	if err := domain.CheckID(longest); err != nil {
		t.Errorf("%s: %v", longest, err)
	}
}
