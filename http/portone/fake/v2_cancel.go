// V2 gives money back, at once or later, and is told what is going to be paid.
package fake

import (
	"cmp"
	"encoding/json"
	"net/http"
)

// conflicts are V2's names for why no money is given back.
var conflicts = map[error]string{
	errNotPaid: "PAYMENT_NOT_PAID", errCancelled: "PAYMENT_ALREADY_CANCELLED",
	errBalance: "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN", errTooMuch: "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT",
}

func (s *Server) v2Cancel(q request) answer {
	var wish struct {
		Amount   int64  `json:"amount"`
		Believed *int64 `json:"currentCancellableAmount"`
		Reason   string `json:"reason"`
		Store    string `json:"storeId"`
	}
	p, id := s.named(q)
	if err := json.Unmarshal(q.body, &wish); err != nil || wish.Reason == "" || wish.Amount < 0 {
		s.violation("v2: cancel of %s with %s", id, q.body)
		return problem(http.StatusBadRequest, "INVALID_REQUEST", "요청이 올바르지 않습니다.")
	}
	if p == nil {
		return problem(http.StatusNotFound, "PAYMENT_NOT_FOUND", "결제 건이 존재하지 않습니다.")
	}
	if wish.Store != "" && wish.Store != s.Store {
		return problem(http.StatusForbidden, "FORBIDDEN", "no store of yours")
	}
	s.promised("v2", id, wish.Amount, wish.Believed)
	status := "SUCCEEDED"
	if s.Asynchronous {
		status = "REQUESTED"
	}
	cancel, err := s.cancel(p, wish.Amount, wish.Believed, wish.Reason, status)
	if err != nil {
		return problem(http.StatusConflict, conflicts[err], err.Error())
	}
	s.tell(p, cancel.ID)
	return answer{http.StatusOK, map[string]any{"cancellation": v2Cancellation(*cancel)}}
}

// v2Prepare may be done again, with another amount too, until somebody has paid.
func (s *Server) v2Prepare(q request) answer {
	var wish struct {
		Amount   int64  `json:"totalAmount"`
		Currency string `json:"currency"`
	}
	p, id := s.named(q)
	if err := json.Unmarshal(q.body, &wish); err != nil || wish.Amount <= 0 || len(id) > 40 {
		s.violation("v2: pre-register of %s with %s", id, q.body)
		return problem(http.StatusBadRequest, "INVALID_REQUEST", "요청이 올바르지 않습니다.")
	}
	if p != nil && !p.PaidAt.IsZero() {
		return problem(http.StatusConflict, "ALREADY_PAID", "이미 결제된 주문입니다.")
	}
	if _, known := s.prepared[id]; !known && len(s.prepared) == maxPayments {
		return problem(http.StatusBadRequest, "INVALID_REQUEST", "this fake is full")
	}
	s.prepared[id] = preparation{wish.Amount, cmp.Or(wish.Currency, "KRW")}
	return answer{http.StatusOK, map[string]any{}}
}
