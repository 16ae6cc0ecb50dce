// What happens to a payment without the API: at the bank, at the console, in the database.

package fakeportone

import "fmt"

// update does something to a payment, and tells of it when told is true.
func (s *Server) update(impUID string, notify bool, do func(*Payment) error) error {
	defer s.deliverAsync()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byImpUID(impUID)
	if p == nil {
		return fmt.Errorf("there is no payment %q", impUID)
	}
	before := len(p.Cancels)
	if err := do(p); err != nil {
		return err
	}
	if notify {
		id := ""
		if len(p.Cancels) > before {
			id = p.Cancels[before].ID
		}
		s.queueWebhook(p, id)
	}
	return nil
}

// Deposit pays what is ready, as a transfer to its virtual account does.
func (s *Server) Deposit(impUID string) error { return s.markPaid(impUID, "ready") }

// SucceedLate makes a failed payment paid, as happens.
func (s *Server) SucceedLate(impUID string) error { return s.markPaid(impUID, "failed") }

func (s *Server) markPaid(impUID, from string) error {
	return s.update(impUID, true, func(p *Payment) error {
		if p.Status != from {
			return fmt.Errorf("it is %s, not %s", p.Status, from)
		}
		p.Status, p.FailReason, p.PaidAt = "paid", "", s.now()
		return nil
	})
}

// Tamper changes what nobody should be able to change: the amount, the currency, the order, the channel. Nobody is told.
func (s *Server) Tamper(impUID string, do func(*Payment)) error {
	return s.update(impUID, false, func(p *Payment) error {
		do(p)
		clear(s.attempts)
		clear(s.orders)
		for _, p := range s.payments {
			s.index(p)
		}
		return nil
	})
}

// CancelAtConsole gives amount back, 0 for all, as somebody at PortOne's console does.
func (s *Server) CancelAtConsole(impUID string, amount int64) error {
	return s.update(impUID, true, func(p *Payment) error {
		_, err := s.cancel(p, amount, nil, "console", "SUCCEEDED")
		return err
	})
}

// Settle ends every cancellation of a payment that is only REQUESTED.
func (s *Server) Settle(impUID string, succeeded bool) error {
	return s.update(impUID, true, func(p *Payment) error {
		for i := range p.Cancels {
			if p.Cancels[i].Status == "REQUESTED" {
				p.Cancels[i].Status = map[bool]string{true: "SUCCEEDED", false: "FAILED"}[succeeded]
			}
		}
		p.markCancelled()
		return nil
	})
}

// Payments are copies of all, in the order they were begun.
func (s *Server) Payments() []Payment {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Payment, len(s.payments))
	for i, p := range s.payments {
		all[i] = *p
		all[i].Cancels = append([]Cancel(nil), p.Cancels...)
	}
	return all
}

// Cancels are those of one payment that took effect, or still may.
func (s *Server) Cancels(impUID string) (effects []Cancel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byImpUID(impUID); p != nil {
		for _, c := range p.Cancels {
			if c.Status != "FAILED" {
				effects = append(effects, c)
			}
		}
	}
	return effects
}

// Prepared is the amount that an order is bound to, 0 for none.
func (s *Server) Prepared(merchantUID string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.prepared[merchantUID].amount
}

// Sums are all money that came in and all that went back, in the smallest unit, whatever the currency.
func (s *Server) Sums() (paid, refunded int64) { return sums(s.Payments()) }

func sums(all []Payment) (paid, refunded int64) {
	for _, p := range all {
		if !p.PaidAt.IsZero() {
			paid, refunded = paid+p.Amount, refunded+p.refunded()
		}
	}
	return paid, refunded
}
