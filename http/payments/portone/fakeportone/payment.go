// Payments, and what people do to them: pay, deposit, fail, pay after all, tamper, cancel at the console.

package fakeportone

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Payment is one attempt to pay. V1 knows it by ImpUID, V2 by MerchantUID, of which there the latest attempt counts.
type Payment struct {
	ImpUID      string    `json:"imp_uid"`
	MerchantUID string    `json:"merchant_uid"`
	Amount      int64     `json:"amount"`
	Currency    string    `json:"currency"`
	Status      string    `json:"status"` // ready, paid, cancelled or failed; "cancelled" only when nothing is left
	Method      string    `json:"pay_method"`
	Test        bool      `json:"sandbox"`
	FailReason  string    `json:"fail_reason,omitempty"`
	Cancels     []Cancel  `json:"cancels,omitempty"`
	StartedAt   time.Time `json:"started_at"`
	PaidAt      time.Time `json:"paid_at,omitzero"`
}

// Cancel is one that took effect, or that waits for Settle.
type Cancel struct {
	ID     string    `json:"id"`
	Amount int64     `json:"amount"`
	Reason string    `json:"reason"`
	Status string    `json:"status"` // SUCCEEDED, REQUESTED or FAILED
	At     time.Time `json:"at"`
}

func (p *Payment) cancelled(statuses ...string) (sum int64) {
	for _, c := range p.Cancels {
		for _, status := range statuses {
			if c.Status == status {
				sum += c.Amount
			}
		}
	}
	return sum
}

// refunded is the money that has gone back; cancellable is what can still be asked back.
func (p *Payment) refunded() int64    { return p.cancelled("SUCCEEDED") }
func (p *Payment) cancellable() int64 { return p.Amount - p.cancelled("SUCCEEDED", "REQUESTED") }

const maxPayments = 100_000

// Create begins a payment as p says; its empty fields are filled in: a new ImpUID, KRW, paid, by card.
func (s *Server) Create(p Payment) (Payment, error) {
	s.mu.Lock()
	defer s.deliverAsync()
	defer s.mu.Unlock()
	switch {
	case len(s.payments) == maxPayments:
		return Payment{}, fmt.Errorf("this fake has %d payments, and takes no more", maxPayments)
	case p.MerchantUID == "" || len(p.MerchantUID) > 40:
		return Payment{}, errors.New("merchant_uid has 1 to 40 bytes")
	case p.Amount <= 0:
		return Payment{}, errors.New("amount is above 0")
	case p.ImpUID != "" && s.byImpUID(p.ImpUID) != nil:
		return Payment{}, fmt.Errorf("there is a payment %s already", p.ImpUID)
	}
	prepared, bound := s.prepared[p.MerchantUID]
	if bound && prepared != (preparation{p.Amount, cmp.Or(p.Currency, "KRW")}) {
		return Payment{}, fmt.Errorf("%s is prepared for %d %s", p.MerchantUID, prepared.amount, prepared.currency)
	}
	p.ImpUID = cmp.Or(p.ImpUID, fmt.Sprintf("imp_%012d", len(s.payments)+1))
	p.Currency, p.Status, p.Method = cmp.Or(p.Currency, "KRW"), cmp.Or(p.Status, "paid"), cmp.Or(p.Method, "card")
	p.StartedAt, p.Cancels = s.now(), nil
	switch p.Status {
	case "paid":
		p.PaidAt = p.StartedAt
	case "failed":
		p.FailReason = cmp.Or(p.FailReason, "잔액이 부족합니다.")
	case "ready":
	default:
		return Payment{}, errors.New("status is ready, paid or failed")
	}
	s.payments = append(s.payments, &p)
	s.index(&p)
	s.queueWebhook(&p, "")
	return p, nil
}

// Pay makes a paid payment in KRW and gives its imp_uid. It panics where Create would refuse.
func (s *Server) Pay(merchantUID string, amount int64) string {
	p, err := s.Create(Payment{MerchantUID: merchantUID, Amount: amount})
	if err != nil {
		panic(err)
	}
	return p.ImpUID
}

// byImpUID and latest find a payment, or nil.
func (s *Server) byImpUID(uid string) *Payment       { return s.attempts[uid] }
func (s *Server) latest(merchantUID string) *Payment { return s.orders[merchantUID] }

// index makes a payment, the latest, one that can be found.
func (s *Server) index(p *Payment) { s.attempts[p.ImpUID], s.orders[p.MerchantUID] = p, p }

// The rules of giving money back, which both APIs share; what each of them calls a refusal is its own.

// cancelError is why no money is given back, in V1's words.
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

// cancel gives amount back, 0 for all that is left, if believed, where it is not nil, is what is left. The cancellation
// has status from the start.
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

// markCancelled makes a payment cancelled when all its money has gone back.
func (p *Payment) markCancelled() {
	if p.refunded() == p.Amount {
		p.Status = "cancelled"
	}
}

// checkCancel writes down what a careful client does not do. A missing amount is taken as all there is, as PortOne does it.
func (s *Server) checkCancel(api, ref string, amount int64, expected *int64) {
	if amount == 0 {
		s.recordViolation("%s: cancel of %s without an amount gives everything back", api, ref)
	}
	if expected == nil && s.RequireBalance {
		s.recordViolation("%s: cancel of %s does not say which balance it believes", api, ref)
	}
}
