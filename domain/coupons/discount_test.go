package coupons

import (
	"math/big"
	"strconv"
	"strings"
	"testing"
)

// TestWorth_CheckNamesField tries the largest and smallest valid values, and one step beyond each.
func TestWorth_CheckNamesField(t *testing.T) {
	fixed := &Discount{Kind: DiscountFixed, Amount: 1}
	percent := func(edit func(*Discount)) *Discount {
		d := &Discount{Kind: DiscountPercent, Percent: 10}
		edit(d)
		return d
	}
	ids := func(n int) (ids []string) {
		for i := range n {
			ids = append(ids, "p"+strconv.Itoa(i))
		}
		return ids
	}
	for _, c := range []struct {
		name  string
		worth DiscountTerms
		field string
	}{
		{"none", DiscountTerms{}, ""},
		{"fixed", DiscountTerms{Discount: fixed}, ""},
		{"a minimum without a discount", DiscountTerms{MinAmount: 1}, "minAmount"},
		{"products without a discount", DiscountTerms{AppliesTo: &AppliesTo{ProductIDs: ids(1)}}, "appliesTo"},
		{"largest minimum", DiscountTerms{Discount: fixed, MinAmount: MaxDiscount}, ""},
		{"larger minimum", DiscountTerms{Discount: fixed, MinAmount: MaxDiscount + 1}, "minAmount"},
		{"negative minimum", DiscountTerms{Discount: fixed, MinAmount: -1}, "minAmount"},
		{"no kind", DiscountTerms{Discount: &Discount{Amount: 1}}, "discount.kind"},
		{"another kind", DiscountTerms{Discount: &Discount{Kind: "gift", Amount: 1}}, "discount.kind"},
		{"fixed, nothing", DiscountTerms{Discount: &Discount{Kind: DiscountFixed}}, "discount.amount"},
		{"fixed, negative", DiscountTerms{Discount: &Discount{Kind: DiscountFixed, Amount: -1}}, "discount.amount"},
		{"fixed, most", DiscountTerms{Discount: &Discount{Kind: DiscountFixed, Amount: MaxDiscount}}, ""},
		{"fixed, more", DiscountTerms{Discount: &Discount{Kind: DiscountFixed, Amount: MaxDiscount + 1}}, "discount.amount"},
		{"fixed, with a percentage", DiscountTerms{Discount: &Discount{Kind: DiscountFixed, Amount: 1, Percent: 1}}, "discount.percent"},
		{"fixed, with a maximum", DiscountTerms{Discount: &Discount{Kind: DiscountFixed, Amount: 1, MaxAmount: 1}}, "discount.maxAmount"},
		{"least percentage", DiscountTerms{Discount: percent(func(d *Discount) { d.Percent = 1 })}, ""},
		{"no percentage", DiscountTerms{Discount: percent(func(d *Discount) { d.Percent = 0 })}, "discount.percent"},
		{"whole percentage", DiscountTerms{Discount: percent(func(d *Discount) { d.Percent = 100 })}, ""},
		{"larger percentage", DiscountTerms{Discount: percent(func(d *Discount) { d.Percent = 101 })}, "discount.percent"},
		{"percentage with an amount", DiscountTerms{Discount: percent(func(d *Discount) { d.Amount = 1 })}, "discount.amount"},
		{"largest maximum", DiscountTerms{Discount: percent(func(d *Discount) { d.MaxAmount = MaxDiscount })}, ""},
		{"larger maximum", DiscountTerms{Discount: percent(func(d *Discount) { d.MaxAmount = MaxDiscount + 1 })}, "discount.maxAmount"},
		{"negative maximum", DiscountTerms{Discount: percent(func(d *Discount) { d.MaxAmount = -1 })}, "discount.maxAmount"},
		{"for nothing", DiscountTerms{Discount: fixed, AppliesTo: &AppliesTo{}}, "appliesTo"},
		{"for a schedule", DiscountTerms{Discount: fixed, AppliesTo: &AppliesTo{ScheduleIDs: ids(1)}}, ""},
		{"for most", DiscountTerms{Discount: fixed, AppliesTo: &AppliesTo{ids(MaxAppliesTo / 2), ids(MaxAppliesTo / 2)}}, ""},
		{"for more", DiscountTerms{Discount: fixed, AppliesTo: &AppliesTo{ids(MaxAppliesTo), ids(1)}}, "appliesTo"},
		{"for no product", DiscountTerms{Discount: fixed, AppliesTo: &AppliesTo{ProductIDs: []string{"a", ""}}}, "appliesTo.salePostIds[1]"},
		{"for no schedule", DiscountTerms{Discount: fixed, AppliesTo: &AppliesTo{ScheduleIDs: []string{"a/b"}}}, "appliesTo.scheduleIds[0]"},
	} {
		create := Create{Name: "n", PerUserLimit: 1, DiscountTerms: c.worth}
		if got := fieldOf(create.Check()); got != c.field {
			t.Errorf("%s: got %q, want %q", c.name, got, c.field)
		}
	}
}

func TestParseCouponID_ReversesCouponID(t *testing.T) {
	for _, c := range []struct {
		promotion string
		number    int
	}{{"p", 1}, {"p-1", 2}, {"-", 3}, {"p--", 4}, {"", 5}, {strings.Repeat("p", 40), MaxStock}} {
		id := CouponID(c.promotion, c.number)
		if promotion, number := ParseCouponID(id); promotion != c.promotion || number != c.number {
			t.Errorf("%s: got %q and %d", id, promotion, number)
		}
	}
	for _, id := range []string{"", "p", "-", "p-", "p-0", "p-01", "p-+1", "p-１", "p- 1", "p-1 ", "p-1x", "p-99999999999999999999", "p--0"} {
		if promotion, number := ParseCouponID(id); number != 0 {
			t.Errorf("%q: got %q and %d, want no coupon", id, promotion, number)
		}
	}
}

// FuzzDiscount_Of compares with arbitrary precision: rounded down, at most the maximum, and never more than the price.
func FuzzDiscount_Of(f *testing.F) {
	f.Add(int64(0), int64(1), 1, int64(0))
	f.Add(int64(99), int64(5000), 33, int64(1))
	f.Add(int64(MaxDiscount), int64(MaxDiscount), 100, int64(MaxDiscount))
	f.Add(int64(MaxDiscount-1), int64(1), 99, int64(0))
	f.Fuzz(func(t *testing.T, price, amount int64, percent int, maxAmount int64) {
		if price < 0 || price > MaxDiscount {
			t.Skip()
		}
		fixed := Discount{Kind: DiscountFixed, Amount: amount}
		if fixed.check() == nil {
			if got, want := fixed.Of(price), min(amount, price); got != want {
				t.Errorf("%d of %d: got %d, want %d", amount, price, got, want)
			}
		}
		rate := Discount{Kind: DiscountPercent, Percent: percent, MaxAmount: maxAmount}
		if rate.check() != nil {
			return
		}
		exact := new(big.Int).Mul(big.NewInt(price), big.NewInt(int64(percent)))
		want := exact.Div(exact, big.NewInt(100)).Int64()
		if maxAmount > 0 {
			want = min(want, maxAmount)
		}
		if got := rate.Of(price); got != want || got > price {
			t.Errorf("%d percent of %d, at most %d: got %d, want %d", percent, price, maxAmount, got, want)
		}
	})
}
