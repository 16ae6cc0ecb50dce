// What waiting for coupons costs: the same for the last of very many.
package shop_test

import (
	"fmt"
	"testing"

	"onsale/domain/coupons"
)

// BenchmarkOfferAccept gives a unit back, which offers it, and has it accepted, while so many wait.
func BenchmarkOfferAccept(b *testing.B) {
	for _, waiting := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint("waiting=", waiting), func(b *testing.B) {
			l, all := newLine(), users(waiting)
			l.ask("admin", "demo", coupons.Create{Name: "n", Stock: 1, PerUserLimit: coupons.MaxPerUserLimit})
			l.ask("kim", "demo", coupons.Issue{})
			for _, user := range all {
				l.ask(user, "demo", coupons.Join{Quantity: 1})
			}
			p := l.Coupons.Promotion("demo")
			for b.Loop() {
				last := len(p.Coupons)
				l.ask("admin", "demo", coupons.Revoke{Number: last, ReturnStock: true})
				for sequence, o := range p.Offers { // there is one
					l.ask(o.User, "demo", coupons.Accept{WaitingID: coupons.WaitingID("demo", sequence)})
					l.ask(o.User, "demo", coupons.Join{Quantity: 1})
				}
			}
			if p.Waiting.Len() != waiting {
				b.Errorf("%d wait", p.Waiting.Len())
			}
		})
	}
}

// BenchmarkWaitInVain issues units of a promotion where everybody who waits wants more than there is.
func BenchmarkWaitInVain(b *testing.B) {
	l := newLine()
	l.ask("admin", "demo", coupons.Create{Name: "n", PerUserLimit: coupons.MaxPerUserLimit})
	for i, user := range users(100_000) {
		l.ask(user, "demo", coupons.Join{Quantity: 2 + i%3})
	}
	for b.Loop() {
		l.ask("admin", "demo", coupons.ChangeStock{Delta: 1})
		l.ask("kim", "demo", coupons.Issue{})
		l.ask("admin", "demo", coupons.Revoke{Number: len(l.Coupons.Promotion("demo").Coupons)})
	}
}
