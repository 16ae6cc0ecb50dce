package seats

import (
	"errors"
	"testing"
	"time"

	"onsale/domain"
)

func TestOptions_CheckNamesField(t *testing.T) {
	tiers := func(tiers ...RefundTier) Options { return Options{Payment: PaymentRequired, RefundTiers: tiers} }
	many := make([]RefundTier, MaxRefundTiers+1)
	for i := range many {
		many[i] = RefundTier{UntilSeconds: int64(len(many) - i), Percent: 50}
	}
	for _, c := range []struct {
		name     string
		options  Options
		startsAt domain.Time
		field    string
	}{
		{"free", Options{}, 0, ""},
		{"paid", Options{Payment: PaymentRequired}, 0, ""},
		{"paid in another way", Options{Payment: "none"}, 0, "payment"},
		{"no tiers", Options{RefundTiers: []RefundTier{}}, 0, ""},
		{"tiers of free seats", Options{RefundTiers: []RefundTier{{1, 1}}}, 1, "refundTiers"},
		{"tiers of what never starts", tiers(RefundTier{1, 1}), 0, "refundTiers"},
		{"most tiers", tiers(many[1:]...), 1, ""},
		{"more tiers", tiers(many...), 1, "refundTiers"},
		{"until it starts, everything", tiers(RefundTier{0, 100}), 1, ""},
		{"until it starts, nothing", tiers(RefundTier{0, 0}), 1, ""},
		{"after it started", tiers(RefundTier{-1, 50}), 1, "refundTiers[0].untilSeconds"},
		{"a year before", tiers(RefundTier{maxUntilSeconds, 50}), 1, ""},
		{"longer before", tiers(RefundTier{maxUntilSeconds + 1, 50}), 1, "refundTiers[0].untilSeconds"},
		{"more than everything", tiers(RefundTier{1, 101}), 1, "refundTiers[0].percent"},
		{"less than nothing", tiers(RefundTier{1, -1}), 1, "refundTiers[0].percent"},
		{"at the same time", tiers(RefundTier{9, 50}, RefundTier{9, 40}), 1, "refundTiers[1].untilSeconds"},
		{"in the wrong order", tiers(RefundTier{9, 50}, RefundTier{10, 40}), 1, "refundTiers[1].untilSeconds"},
		{"more the later", tiers(RefundTier{9, 50}, RefundTier{8, 51}), 1, "refundTiers[1].percent"},
		{"as much the later", tiers(RefundTier{9, 50}, RefundTier{8, 50}, RefundTier{0, 0}), 1, ""},
	} {
		create := Create{
			Title: "t", StartsAt: c.startsAt, HoldSeconds: 1, MaxSeatsPerUser: 1, Options: c.options,
			Sections: []Section{{Name: "A", Rows: []Row{{"1", 1}}}},
		}
		got := ""
		if fieldErr, ok := errors.AsType[*domain.FieldError](create.Check()); ok {
			got = fieldErr.Field
		}
		if got != c.field {
			t.Errorf("%s: got %q, want %q", c.name, got, c.field)
		}
	}
}

func TestRefundPercent_Edges(t *testing.T) {
	starts := domain.Time(1_000_000_000)
	sc := Created{StartsAt: starts, Options: Options{Payment: PaymentRequired, RefundTiers: []RefundTier{{100, 100}, {50, 70}, {0, 0}}}}
	for _, c := range []struct {
		before  time.Duration
		percent int
		open    bool
	}{
		{time.Hour, 100, true},
		{100 * time.Second, 100, true},
		{100*time.Second - time.Millisecond, 70, true},
		{50 * time.Second, 70, true},
		{50*time.Second - time.Millisecond, 0, true},
		{0, 0, true},
		{-time.Millisecond, 0, false},
		{-time.Hour, 0, false},
	} {
		if percent, open := sc.RefundPercent(starts.Add(-c.before)); percent != c.percent || open != c.open {
			t.Errorf("%s before the start: got %d, %t, want %d, %t", c.before, percent, open, c.percent, c.open)
		}
	}
	if percent, open := (Created{StartsAt: starts}).RefundPercent(0); percent != 0 || open {
		t.Errorf("without tiers: got %d, %t", percent, open)
	}
}
