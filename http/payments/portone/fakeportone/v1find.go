// V1's look-ups: one payment, a batch, or the payments of an order or a status, in pages.

package fakeportone

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const noPaymentMessage = "존재하지 않는 결제정보입니다."

// visible: payments of test channels are shown on request only.
func (q request) visible(p *Payment) bool {
	return p != nil && (!p.Test || q.URL.Query().Get("include_sandbox") == "true")
}

func (s *Server) v1Get(q request) response {
	p := s.byImpUID(q.PathValue("uid"))
	if !q.visible(p) {
		return v1Error(http.StatusNotFound, -1, noPaymentMessage)
	}
	return v1OK(s.v1Payment(p))
}

func (s *Server) v1Status(p *Payment) string {
	if p.refunded() > 0 && p.refunded() < p.Amount {
		return s.PartlyCancelled
	}
	return p.Status
}

// v1Payment is a payment in V1's format. Times that have not come are 0.
func (s *Server) v1Payment(p *Payment) map[string]any {
	history := []any{}
	for _, c := range p.Cancels {
		if c.Status == "SUCCEEDED" {
			history = append(history, map[string]any{"pg_tid": "pg_" + p.ImpUID, "amount": toMajor(p.Currency, c.Amount), "cancelled_at": c.At.Unix(),
				"reason": c.Reason, "cancellation_id": c.ID})
		}
	}
	paidAt := int64(0)
	if !p.PaidAt.IsZero() {
		paidAt = p.PaidAt.Unix()
	}
	return map[string]any{
		"imp_uid": p.ImpUID, "merchant_uid": p.MerchantUID, "amount": toMajor(p.Currency, p.Amount),
		"cancel_amount": toMajor(p.Currency, p.refunded()),
		"currency":      p.Currency, "status": s.v1Status(p), "sandbox": p.Test, "pay_method": p.Method,
		"channel": "pc", "pg_provider": "fake", "pg_tid": "pg_" + p.ImpUID,
		"name": "주문", "custom_data": `{"amount":"1"}`, "started_at": p.StartedAt.Unix(), "paid_at": paidAt, "failed_at": 0,
		"cancelled_at": 0, "fail_reason": p.FailReason, "cancel_reason": nil, "cancel_history": history, "card_type": nil,
	}
}

const maxBatch = 100

// v1Batch finds up to a hundred payments: 200 if all were found, 207 if some were, 404 if none.
func (s *Server) v1Batch(q request) response {
	query := q.URL.Query()
	uids, orders := query["imp_uid[]"], query["merchant_uid[]"]
	if n := len(uids) + len(orders); n == 0 || n > maxBatch {
		return v1Error(http.StatusBadRequest, -1, "imp_uid[], merchant_uid[] 1~100")
	}
	found := []any{}
	for _, uid := range uids {
		if p := s.byImpUID(uid); q.visible(p) {
			found = append(found, s.v1Payment(p))
		}
	}
	for _, order := range orders {
		if p := s.latest(order); q.visible(p) {
			found = append(found, s.v1Payment(p))
		}
	}
	if len(found) == 0 {
		return v1Error(http.StatusNotFound, -1, noPaymentMessage)
	}
	a := v1OK(found)
	if len(found) < len(uids)+len(orders) {
		a.status = http.StatusMultiStatus
	}
	return a
}

// sortings are the orders of lists that the fake knows; a "-" before one reverses it.
var sortings = map[string]func(p *Payment) time.Time{
	"started": func(p *Payment) time.Time { return p.StartedAt },
	"paid":    func(p *Payment) time.Time { return p.PaidAt },
}

var v1Statuses = []string{"", "all", "ready", "paid", "cancelled", "failed"}

const (
	pageSize    = 20 // of a request without a limit
	maxPageSize = 1000
)

// v1List serves payments/find/ORDER/STATUS, the first payment, and pages of payments/findAll/ORDER/STATUS and
// payments/status/STATUS; the newest come first unless a sorting is given.
func (s *Server) v1List(q request) response {
	order, status := q.PathValue("order"), q.PathValue("status")
	query := q.URL.Query()
	sorting := cmp.Or(query.Get("sorting"), "-started")
	key := sortings[strings.TrimPrefix(sorting, "-")]
	page, errPage := positive(query.Get("page"), 1, math.MaxInt)
	limit, errLimit := positive(query.Get("limit"), pageSize, maxPageSize)
	if len(order) > 40 || !slices.Contains(v1Statuses, status) || key == nil || errPage != nil || errLimit != nil {
		s.recordViolation("v1: GET %s", q.URL)
		return v1Error(http.StatusBadRequest, -1, "지원되지 않는 상태값입니다.")
	}
	all := s.payments
	if order != "" {
		all = s.orders[order]
	}
	var found []*Payment
	for _, p := range all {
		if (status == "" || status == "all" || s.v1Status(p) == status) && q.visible(p) {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b *Payment) int { return key(a).Compare(key(b)) })
	if strings.HasPrefix(sorting, "-") {
		slices.Reverse(found)
	}
	switch {
	case len(found) == 0 && order != "":
		return v1Error(http.StatusNotFound, -1, noPaymentMessage)
	case strings.HasPrefix(q.URL.Path, "/payments/find/"):
		return v1OK(s.v1Payment(found[0]))
	}
	return s.v1Page(found, page, limit)
}

// positive is a number from 1 to most, or def if it is absent.
func positive(text string, def, most int) (int, error) {
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && (n < 1 || n > most) {
		err = strconv.ErrRange
	}
	return n, err
}

// v1Page is a page, from 1; previous and next are 0 where there is none.
func (s *Server) v1Page(found []*Payment, page, limit int) response {
	pages := max((len(found)+limit-1)/limit, 1)
	if page > pages {
		return v1Error(http.StatusBadRequest, -1, "데이터 범위를 넘어선 page입니다.")
	}
	next := page + 1
	if page == pages {
		next = 0
	}
	list := []any{}
	for _, p := range found[(page-1)*limit : min(page*limit, len(found))] {
		list = append(list, s.v1Payment(p))
	}
	return v1OK(map[string]any{"total": len(found), "previous": page - 1, "next": next, "list": list})
}
