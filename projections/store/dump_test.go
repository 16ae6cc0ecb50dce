package store

import (
	"path/filepath"
	"strings"
	"testing"
)

// storeWith returns a store with these rows of orders, and of coupons within "demo".
func storeWith(t *testing.T, orders, coupons []string) *Store {
	t.Helper()
	s, err := openVerified(filepath.Join(t.TempDir(), "store.db"), "epoch", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	err = s.update(func(tx *transaction) error {
		for _, row := range orders {
			k, v, _ := strings.Cut(row, "=")
			if err := tx.table(bucketOrders).put([]byte(k), []byte(v)); err != nil {
				return err
			}
		}
		for _, row := range coupons {
			k, v, _ := strings.Cut(row, "=")
			within, err := tx.table(bucketCoupons).create([]byte("demo"))
			if err != nil {
				return err
			}
			if err := within.put([]byte(k), []byte(v)); err != nil {
				return err
			}
		}
		return Checkpoint{Events: 7}.write(tx)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDifference_IsFirstRow(t *testing.T) {
	one := storeWith(t, []string{"a=1", "b=2"}, []string{"1=x", "2=y"})
	for _, c := range []struct {
		name            string
		orders, coupons []string
		want            string // beginnings of both lines
	}{
		{"equal", []string{"a=1", "b=2"}, []string{"1=x", "2=y"}, ""},
		{"another value", []string{"a=1", "b=3"}, []string{"1=x", "2=y"}, `orders "b" "2|orders "b" "3`},
		{"a missing row", []string{"b=2"}, []string{"1=x", "2=y"}, `orders "a" "1|orders "b" "2`},
		{"the last row is missing", []string{"a=1"}, []string{"1=x", "2=y"}, `orders "b" "2|events 7 `},
		{"one row more", []string{"a=1", "b=2", "c=1"}, []string{"1=x", "2=y"}, `events 7 |orders "c" "1`},
		{"a row within a bucket", nil, []string{"1=x"}, `coupons demo "2" "y|events 7 `},
		{"a bucket within a bucket", []string{"a=1", "b=2"}, nil, `coupons demo "1" "x|orders "a" "1`},
	} {
		other := storeWith(t, c.orders, c.coupons)
		got, err := Difference(one, other)
		equal, equalErr := Equal(one, other)
		if err != nil || equalErr != nil || equal != (c.want == "") {
			t.Errorf("%s: equal is %t: %v %v", c.name, equal, err, equalErr)
		}
		ours, theirs, _ := strings.Cut(c.want, "|")
		gotOurs, gotTheirs, _ := strings.Cut(got, "\n")
		if !strings.HasPrefix(gotOurs, ours) || !strings.HasPrefix(gotTheirs, theirs) || (got == "") != (c.want == "") {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
