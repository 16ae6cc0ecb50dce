package coupons

import (
	"errors"
	"strings"
	"testing"

	"onsale/domain"
)

// TestCreate_CheckNamesField tries the largest and smallest valid values, and one step beyond each.
func TestCreate_CheckNamesField(t *testing.T) {
	createWith := func(edit func(*Create)) Create {
		c := Create{Name: "n", Stock: 1, PerUserLimit: 1}
		edit(&c)
		return c
	}
	for _, c := range []struct {
		name  string
		body  Create
		field string
	}{
		{"valid", createWith(func(*Create) {}), ""},
		{"no units", createWith(func(c *Create) { c.Stock = 0 }), ""},
		{"most units", createWith(func(c *Create) { c.Stock = MaxStock }), ""},
		{"more units", createWith(func(c *Create) { c.Stock = MaxStock + 1 }), "stock"},
		{"fewer units", createWith(func(c *Create) { c.Stock = -1 }), "stock"},
		{"longest name", createWith(func(c *Create) { c.Name = strings.Repeat("가", 66) + "ab" }), ""},
		{"longer name", createWith(func(c *Create) { c.Name = strings.Repeat("가", 67) }), "name"},
		{"no name", createWith(func(c *Create) { c.Name = "" }), "name"},
		{"most for one", createWith(func(c *Create) { c.PerUserLimit = MaxPerUserLimit }), ""},
		{"more for one", createWith(func(c *Create) { c.PerUserLimit = MaxPerUserLimit + 1 }), "perUserLimit"},
		{"none for anyone", createWith(func(c *Create) { c.PerUserLimit = 0 }), "perUserLimit"},
		{"closes only", createWith(func(c *Create) { c.ClosesAt = 1 }), ""},
		{"open for 1 ms", createWith(func(c *Create) { c.OpensAt, c.ClosesAt = 1, 2 }), ""},
		{"closes when it opens", createWith(func(c *Create) { c.OpensAt, c.ClosesAt = 2, 2 }), "closesAt"},
		{"closes first", createWith(func(c *Create) { c.OpensAt, c.ClosesAt = 2, 1 }), "closesAt"},
	} {
		if got := fieldOf(c.body.Check()); got != c.field {
			t.Errorf("%s: got %q, want %q", c.name, got, c.field)
		}
	}
}

func fieldOf(err error) string {
	if fieldErr, ok := errors.AsType[*domain.FieldError](err); ok {
		return fieldErr.Field
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// TestCouponID_FitsID checks the id of the last coupon of the largest promotion with the longest id.
func TestCouponID_FitsID(t *testing.T) {
	longest := CouponID(strings.Repeat("p", 40), MaxStock)
	if err := domain.CheckID(longest); err != nil {
		t.Errorf("%s: %v", longest, err)
	}
}
