// V1 gives money back, and is told what is going to be paid.
package fake

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// preparation is an amount that an order is bound to.
type preparation struct {
	amount   int64
	currency string
}

// v1Cancel: imp_uid wins over merchant_uid, and an amount of 0 or none is all there is. Refusals are 200.
func (s *Server) v1Cancel(q request) answer {
	given := q.parameters()
	var p *Payment
	if uid, ok := given["imp_uid"]; ok {
		p = s.byImpUID(uid)
	} else {
		p = s.latest(given["merchant_uid"])
	}
	if p == nil {
		return no(http.StatusOK, 1, errNotToFind.Error())
	}
	amount, believed, err := amounts(given["amount"], given["checksum"])
	if err != nil {
		s.violation("v1: cancel of %s with amount %q, checksum %q", p.ImpUID, given["amount"], given["checksum"])
		return no(http.StatusOK, -1, errBadAmounts.Error())
	}
	s.promised("v1", p.ImpUID, amount, believed)
	cancel, err := s.cancel(p, amount, believed, given["reason"], "SUCCEEDED")
	if err != nil {
		return no(http.StatusOK, 1, err.Error())
	}
	if given["enable_webhook"] == "true" {
		s.tell(p, cancel.ID)
	}
	return yes(s.v1Payment(p))
}

// amounts reads an amount, 0 where there is none, and a balance, nil where there is none.
func amounts(amount, balance string) (int64, *int64, error) {
	n, errAmount := int64(0), error(nil)
	if amount != "" {
		n, errAmount = strconv.ParseInt(amount, 10, 64)
	}
	if balance == "" {
		return n, nil, errAmount
	}
	believed, err := strconv.ParseInt(balance, 10, 64)
	return n, &believed, errors.Join(errAmount, err)
}

// v1Prepare takes an order once; PUT changes its amount.
func (s *Server) v1Prepare(q request) answer {
	given := q.parameters()
	uid, currency := given["merchant_uid"], cmp.Or(given["currency"], "KRW")
	amount, err := strconv.ParseInt(given["amount"], 10, 64)
	_, known := s.prepared[uid]
	switch {
	case uid == "" || len(uid) > 40 || err != nil || amount <= 0:
		s.violation("v1: prepare of %q for %q", uid, given["amount"])
		return no(http.StatusOK, -1, errBadAmounts.Error())
	case q.Method == http.MethodPost && known:
		return no(http.StatusOK, 1, "이미 등록된 merchant_uid입니다.")
	case q.Method == http.MethodPut && !known:
		return no(http.StatusNotFound, -1, "등록된 결제사전정보를 찾을 수 없습니다.")
	case !known && len(s.prepared) == maxPayments:
		return no(http.StatusOK, -1, "this fake is full")
	}
	s.prepared[uid] = preparation{amount, currency}
	return yes(map[string]any{"merchant_uid": uid, "amount": amount, "currency": currency})
}

func (s *Server) v1Prepared(q request) answer {
	uid := q.URL.Path[strings.LastIndex(q.URL.Path, "/")+1:]
	prepared, ok := s.prepared[uid]
	if !ok {
		return no(http.StatusNotFound, -1, "등록된 결제사전정보를 찾을 수 없습니다.")
	}
	return yes(map[string]any{"merchant_uid": uid, "amount": prepared.amount, "currency": prepared.currency})
}
