// V1's other ways to find payments: by order, by status, and up to a hundred at once.
package fake

import (
	"net/http"
	"strconv"
	"strings"
)

const (
	pageSize = 20
	maxBatch = 100
)

// v1Batch answers 200 when all were found, 207 when some were, and 404 for none.
func (s *Server) v1Batch(q request) answer {
	query := q.URL.Query()
	uids, orders := query["imp_uid[]"], query["merchant_uid[]"]
	if n := len(uids) + len(orders); n == 0 || n > maxBatch {
		return no(http.StatusBadRequest, -1, "imp_uid[], merchant_uid[] 1~100")
	}
	found := []any{}
	for _, uid := range uids {
		if p := s.byImpUID(uid); q.seen(p) {
			found = append(found, s.v1Payment(p))
		}
	}
	for _, order := range orders {
		if p := s.latest(order); q.seen(p) {
			found = append(found, s.v1Payment(p))
		}
	}
	if len(found) == 0 {
		return no(http.StatusNotFound, -1, noPayment)
	}
	a := yes(found)
	if len(found) < len(uids)+len(orders) {
		a.status = http.StatusMultiStatus
	}
	return a
}

// v1List is find and findAll by order, or status: payments/find/ORDER/STATUS, payments/status/STATUS. The newest come
// first, unless sorting=started.
func (s *Server) v1List(q request) answer {
	path := strings.Split(strings.Trim(q.URL.Path, "/"), "/")
	order, status := path[2], ""
	if path[1] == "status" {
		order, status = "", path[2]
	} else if len(path) > 3 {
		status = path[3]
	}
	found := []any{}
	for i := range s.payments {
		p := s.payments[len(s.payments)-1-i]
		if q.URL.Query().Get("sorting") == "started" {
			p = s.payments[i]
		}
		if q.seen(p) && (order == "" || p.MerchantUID == order) && (status == "" || status == "all" || p.Status == status) {
			found = append(found, s.v1Payment(p))
		}
	}
	if len(found) == 0 && path[1] != "status" {
		return no(http.StatusNotFound, -1, noPayment)
	}
	if path[1] == "find" {
		return yes(found[0])
	}
	page, _ := strconv.Atoi(q.URL.Query().Get("page"))
	from := min(min(max(page-1, 0), len(found))*pageSize, len(found))
	return yes(map[string]any{"total": len(found), "list": found[from:min(from+pageSize, len(found))]})
}
