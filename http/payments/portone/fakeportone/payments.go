// Payments, and what happens to them besides the API: transfers, late successes, the console, tampering.

package fakeportone

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Payment is one attempt to pay. V1 finds it by ImpUID, V2 the latest attempt of a MerchantUID.
type Payment struct {
	ImpUID      string    `json:"imp_uid"`
	MerchantUID string    `json:"merchant_uid"`
	Amount      int64     `json:"amount"` // in minor units
	Currency    string    `json:"currency"`
	Status      string    `json:"status"` // ready, paid, failed, or cancelled when it is refunded in full
	Method      string    `json:"pay_method"`
	Test        bool      `json:"sandbox"`
	FailReason  string    `json:"fail_reason,omitempty"`
	Cancels     []Cancel  `json:"cancels,omitempty"`
	StartedAt   time.Time `json:"started_at"`
	PaidAt      time.Time `json:"paid_at,omitzero"`
}

// Cancel is a refund, done or waiting for Settle.
type Cancel struct {
	ID     string    `json:"id"`
	Amount int64     `json:"amount"`
	Reason string    `json:"reason"`
	Status string    `json:"status"` // SUCCEEDED, REQUESTED or FAILED
	At     time.Time `json:"at"`
}

func (p *Payment) cancelled(statuses ...string) (sum int64) {
	for _, c := range p.Cancels {
		if slices.Contains(statuses, c.Status) {
			sum += c.Amount
		}
	}
	return sum
}

// refunded has been paid back; cancellable can still be refunded.
func (p *Payment) refunded() int64    { return p.cancelled("SUCCEEDED") }
func (p *Payment) cancellable() int64 { return p.Amount - p.cancelled("SUCCEEDED", "REQUESTED") }

const maxPayments = 100_000

// Create makes a payment. Empty fields get a new ImpUID, the currency that was prepared, or else the fake's, paid, card.
func (s *Server) Create(p Payment) (Payment, error) {
	s.mu.Lock()
	defer s.deliverAsync()
	defer s.mu.Unlock()
	prepared, bound := s.prepared[p.MerchantUID]
	p.Currency = cmp.Or(p.Currency, prepared.currency, s.Currency)
	switch {
	case len(s.payments) == maxPayments:
		return Payment{}, fmt.Errorf("this fake is full: it has %d payments", maxPayments)
	case p.MerchantUID == "" || len(p.MerchantUID) > 40:
		return Payment{}, errors.New("merchant_uid must have 1 to 40 bytes")
	case p.Amount <= 0:
		return Payment{}, errors.New("amount must be above 0")
	case p.ImpUID != "" && s.byImpUID(p.ImpUID) != nil:
		return Payment{}, fmt.Errorf("payment %s exists already", p.ImpUID)
	case knownCurrencies[p.Currency] == 0:
		return Payment{}, fmt.Errorf("the fake knows no currency %q", p.Currency)
	case bound && prepared != (preparation{p.Amount, p.Currency}):
		return Payment{}, fmt.Errorf("%s is prepared for %d %s", p.MerchantUID, prepared.amount, prepared.currency)
	}
	p.ImpUID = cmp.Or(p.ImpUID, fmt.Sprintf("imp_%s_%d", s.start, len(s.payments)+1))
	p.Status, p.Method = cmp.Or(p.Status, "paid"), cmp.Or(p.Method, "card")
	p.StartedAt, p.Cancels = s.now(), nil
	switch p.Status {
	case "paid":
		p.PaidAt = p.StartedAt
	case "failed":
		p.FailReason = cmp.Or(p.FailReason, "잔액이 부족합니다.")
	case "ready":
	default:
		return Payment{}, errors.New("status must be ready, paid or failed")
	}
	s.payments = append(s.payments, &p)
	s.index(&p)
	s.queueWebhook(&p, nil)
	return p, nil
}

// Pay makes a paid payment and returns its imp_uid. It panics where Create returns an error.
func (s *Server) Pay(merchantUID string, amount int64) string {
	p, err := s.Create(Payment{MerchantUID: merchantUID, Amount: amount})
	if err != nil {
		panic(err)
	}
	return p.ImpUID
}

func (s *Server) byImpUID(uid string) *Payment { return s.attempts[uid] }

// latest is the last attempt to pay an order, or nil.
func (s *Server) latest(merchantUID string) *Payment {
	all := s.orders[merchantUID]
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// index lets byImpUID and latest find a payment.
func (s *Server) index(p *Payment) {
	s.attempts[p.ImpUID] = p
	s.orders[p.MerchantUID] = append(s.orders[p.MerchantUID], p)
}

// cancelError is why a refund is refused, in V1's words; V2 has its own codes.
type cancelError string

func (d cancelError) Error() string { return string(d) }

const (
	errNotPaid    cancelError = "승인된 결제가 아닙니다."
	errCancelled  cancelError = "이미 전액취소된 주문입니다."
	errBalance    cancelError = "취소 가능 금액이 일치하지 않습니다."
	errTooMuch    cancelError = "취소 요청 금액이 취소 가능 금액을 초과합니다."
	errNotFound   cancelError = "취소할 결제건이 존재하지 않습니다."
	errBadAmounts cancelError = "금액이 올바르지 않습니다."
)

// cancel refunds amount, or everything if 0, provided that expected, unless nil, is the balance.
func (s *Server) cancel(p *Payment, amount int64, expected *int64, reason, status string) (*Cancel, error) {
	left := p.cancellable()
	if amount == 0 {
		amount = left
	}
	switch {
	case p.PaidAt.IsZero():
		return nil, errNotPaid
	case left == 0:
		return nil, errCancelled
	case expected != nil && *expected != left:
		return nil, errBalance
	case amount < 0:
		return nil, errBadAmounts
	case amount > left:
		return nil, errTooMuch
	}
	id := fmt.Sprintf("%s-c%d", p.ImpUID, len(p.Cancels)+1)
	p.Cancels = append(p.Cancels, Cancel{id, amount, reason, status, s.now()})
	p.markCancelled()
	return &p.Cancels[len(p.Cancels)-1], nil
}

func (p *Payment) markCancelled() {
	if p.refunded() == p.Amount {
		p.Status = "cancelled"
	}
}

// checkCancel records violations. PortOne takes a missing amount as everything.
func (s *Server) checkCancel(api, ref string, amount int64, expected *int64) {
	if amount == 0 {
		s.recordViolation("%s: cancel of %s without an amount refunds everything", api, ref)
	}
	if expected == nil && s.RequireBalance {
		s.recordViolation("%s: cancel of %s without the expected balance", api, ref)
	}
}

// update changes a payment, and sends a webhook if notify is set.
func (s *Server) update(impUID string, notify bool, do func(*Payment) error) error {
	defer s.deliverAsync()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byImpUID(impUID)
	if p == nil {
		return fmt.Errorf("no payment %q", impUID)
	}
	before := len(p.Cancels)
	if err := do(p); err != nil {
		return err
	}
	if notify {
		var made *Cancel
		if len(p.Cancels) > before {
			made = &p.Cancels[before]
		}
		s.queueWebhook(p, made)
	}
	return nil
}

// Deposit pays a ready payment, as a transfer to its virtual account does.
func (s *Server) Deposit(impUID string) error { return s.markPaid(impUID, "ready") }

// SucceedLate makes a failed payment paid, which happens with real ones too.
func (s *Server) SucceedLate(impUID string) error { return s.markPaid(impUID, "failed") }

func (s *Server) markPaid(impUID, from string) error {
	return s.update(impUID, true, func(p *Payment) error {
		if p.Status != from {
			return fmt.Errorf("payment is %s, not %s", p.Status, from)
		}
		p.Status, p.FailReason, p.PaidAt = "paid", "", s.now()
		return nil
	})
}

// Tamper changes what cannot change: the amount, the currency, the order, the channel. No webhook is sent.
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

// CancelAtConsole refunds amount, or everything if 0, as an operator does at PortOne's console.
func (s *Server) CancelAtConsole(impUID string, amount int64) error {
	return s.update(impUID, true, func(p *Payment) error {
		_, err := s.cancel(p, amount, nil, "console", "SUCCEEDED")
		return err
	})
}

// Settle completes every REQUESTED refund of a payment. V2 has no webhook for one that failed; the fake's says that the
// payment is paid.
func (s *Server) Settle(impUID string, succeeded bool) error {
	return s.update(impUID, false, func(p *Payment) error {
		var last *Cancel
		for i := range p.Cancels {
			if p.Cancels[i].Status == "REQUESTED" {
				p.Cancels[i].Status = map[bool]string{true: "SUCCEEDED", false: "FAILED"}[succeeded]
				last = &p.Cancels[i]
			}
		}
		p.markCancelled()
		if !succeeded {
			last = nil
		}
		s.queueWebhook(p, last)
		return nil
	})
}

// Payments are copies, in the order of creation.
func (s *Server) Payments() []Payment {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Payment, len(s.payments))
	for i, p := range s.payments {
		all[i] = *p
		all[i].Cancels = slices.Clone(p.Cancels)
	}
	return all
}

// Cancels are the refunds of a payment that succeeded or still may.
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

// Prepared is the amount that a merchant_uid is bound to, or 0.
func (s *Server) Prepared(merchantUID string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.prepared[merchantUID].amount
}

// Sums are all amounts paid and refunded, in smallest units, whatever the currency.
func (s *Server) Sums() (paid, refunded int64) { return sums(s.Payments()) }

func sums(all []Payment) (paid, refunded int64) {
	for _, p := range all {
		if !p.PaidAt.IsZero() {
			paid, refunded = paid+p.Amount, refunded+p.refunded()
		}
	}
	return paid, refunded
}
