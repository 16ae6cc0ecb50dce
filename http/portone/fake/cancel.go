// The rules of giving money back, which both APIs share; what each of them calls a refusal is its own.
package fake

import "fmt"

// denial is why no money is given back, in V1's words.
type denial string

func (d denial) Error() string { return string(d) }

const (
	errNotPaid    denial = "승인된 결제가 아닙니다."
	errCancelled  denial = "이미 전액취소된 주문입니다."
	errBalance    denial = "취소 가능 금액이 일치하지 않습니다."
	errTooMuch    denial = "취소 요청 금액이 취소 가능 금액을 초과합니다."
	errNotToFind  denial = "취소할 결제건이 존재하지 않습니다."
	errBadAmounts denial = "금액이 올바르지 않습니다."
)

// cancel gives amount back, 0 for all that is left, if believed, where it is not nil, is what is left. The cancellation
// has status from the start.
func (s *Server) cancel(p *Payment, amount int64, believed *int64, reason, status string) (*Cancel, error) {
	left := p.cancellable()
	if amount == 0 {
		amount = left
	}
	switch {
	case p.PaidAt.IsZero():
		return nil, errNotPaid
	case left == 0:
		return nil, errCancelled
	case believed != nil && *believed != left:
		return nil, errBalance
	case amount < 0:
		return nil, errBadAmounts
	case amount > left:
		return nil, errTooMuch
	}
	id := fmt.Sprintf("%s-c%d", p.ImpUID, len(p.Cancels)+1)
	p.Cancels = append(p.Cancels, Cancel{id, amount, reason, status, s.now()})
	p.emptied()
	return &p.Cancels[len(p.Cancels)-1], nil
}

// emptied makes a payment cancelled when all its money has gone back.
func (p *Payment) emptied() {
	if p.refunded() == p.Amount {
		p.Status = "cancelled"
	}
}

// promised writes down what a careful client does not do. A missing amount is taken as all there is, as PortOne does it.
func (s *Server) promised(api, ref string, amount int64, believed *int64) {
	if amount == 0 {
		s.violation("%s: cancel of %s without an amount gives everything back", api, ref)
	}
	if believed == nil && s.Careful {
		s.violation("%s: cancel of %s does not say which balance it believes", api, ref)
	}
}
