// Exports as CSV (RFC 4180), written while they are read, so that their size does not matter. A download that fails has no
// proper end: it cannot be mistaken for the whole.

package http

import (
	"bufio"
	"cmp"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/http/auth"
	"onsale/http/spreadsheet"
	"onsale/projections/store"
)

// exportFilter restricts an export to one entity; "" is all.
type exportFilter struct{ promotion, schedule, product string }

const exportBufferSize = 32 << 10

// export answers GET /api/v1/admin/export/:file.
func (s *Server) export(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
	query := r.URL.Query()
	err := s.readSnapshot(w, r, query, who, func(*store.View) error { return nil })
	if err != nil {
		return err
	}
	name := r.PathValue("file")
	file, known := exportFiles[name]
	if !known {
		return problemf(notFound, "the files are %s", strings.Join(slices.Sorted(maps.Keys(exportFiles)), ", "))
	}
	filter, err := s.parseFilter(query, file)
	if err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = []string{"text/csv; charset=utf-8; header=present"}
	h["Content-Disposition"] = []string{`attachment; filename="` + name + `"`}
	if r.Method == http.MethodHead {
		return nil
	}
	if err := writeRows(w, r, file.columns, file.rows(s, filter)); err != nil {
		if r.Context().Err() == nil { // else the client went away
			s.Logger.Error("export failed", "id", h.Get("X-Request-Id"), "file", name, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// parseFilter reads ?promotionId=, ?scheduleId= and ?salePostId=. A filter that the file does not have is refused: otherwise
// the client would mistake everything for a part.
func (s *Server) parseFilter(query url.Values, file exportFile) (filter exportFilter, err error) {
	filter.promotion, err = filterID(query, "promotionId", file.filters, s.promotionExists, domain.PromotionNotFound)
	if err == nil {
		filter.schedule, err = filterID(query, "scheduleId", file.filters, s.scheduleExists, domain.ScheduleNotFound)
	}
	if err == nil {
		filter.product, err = filterID(query, "salePostId", file.filters, s.productExists, domain.ProductNotFound)
	}
	return filter, err
}

func filterID(query url.Values, param string, allowed []string, exists func(string) (bool, error), notFoundCode string) (string, error) {
	if !query.Has(param) {
		return "", nil
	}
	id := query.Get(param)
	if !slices.Contains(allowed, param) {
		return "", fieldProblem(invalidParameter, param, "is not a filter of this file")
	}
	if err := checkID(id, param, maxEntityID); err != nil {
		return "", err
	}
	found, err := exists(id)
	if err == nil && !found {
		err = problemf(notFoundCode, "")
	}
	return id, err
}

// writeRows skips rows that are nil. It ends early when the client disconnects, or reads nothing for a minute.
func writeRows(w http.ResponseWriter, r *http.Request, columns []string, rows iter.Seq2[[]string, error]) error {
	client := deadlineWriter{w, http.NewResponseController(w)}
	w.WriteHeader(http.StatusOK) // each write has a deadline of its own from here
	out, err := spreadsheet.NewWriter(bufio.NewWriterSize(client, exportBufferSize))
	if err != nil {
		return err
	}
	if err := out.Write(columns); err != nil {
		return err
	}
	for row, err := range rows {
		if err == nil {
			err = r.Context().Err()
		}
		if err == nil && row != nil {
			err = out.Write(row)
		}
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// deadlineWriter gives the client a minute for each write, and for what net/http writes after the last.
type deadlineWriter struct {
	w          http.ResponseWriter
	connection *http.ResponseController
}

func (p deadlineWriter) Write(b []byte) (int, error) {
	_ = p.connection.SetWriteDeadline(time.Now().Add(largeResponseTimeout)) // not every writer supports it
	return p.w.Write(b)
}

type exportFile struct {
	filters []string
	columns []string
	rows    func(*Server, exportFilter) iter.Seq2[[]string, error]
}

var exportFiles = map[string]exportFile{
	"promotions.csv": {
		[]string{"promotionId"},
		[]string{"promotionId", "name", "stock", "issued", "remaining", "status", "opensAt", "closesAt", "perUserLimit",
			"discount", "minAmount", "appliesTo", "soldOut"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportPromotions(), func(p coupons.Promotion) []string {
				if of.promotion != "" && of.promotion != p.PromotionID {
					return nil
				}
				v := s.viewPromotion(p, 0)
				return cells(v.PromotionID, text(v.Name), v.Stock, v.Issued, v.Remaining, v.Status, v.OpensAt, v.ClosesAt, v.PerUserLimit,
					discountCell(v.Discount), v.MinAmount, appliesToCell(v.AppliesTo), cmp.Or(v.SoldOut, "record"))
			})
		},
	},
	"coupons.csv": {
		[]string{"promotionId"},
		[]string{"couponId", "promotionId", "number", "userId", "status", "issuedAt", "imp_uid", "discount"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportCoupons(of.promotion), func(c store.OwnedCoupon) []string {
				row := cells(c.CouponID, c.PromotionID, c.Number, c.UserID, c.Status, c.IssuedAt, c.PaymentID, "")
				if c.Order != nil {
					row[len(row)-1] = fmt.Sprint(c.Order.Discount)
				}
				return row
			})
		},
	},
	"seats.csv": {
		[]string{"scheduleId"},
		[]string{"scheduleId", "scheduleSeatId", "section", "row", "number", "price", "status", "userId", "under", "until"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportSeats(of.schedule), func(v store.OwnedSeat) []string {
				return cells(v.ScheduleID, v.ScheduleSeatID, text(v.Section), text(v.Row), v.Number, v.Price, v.Status, v.UserID,
					v.RefID, v.Until)
			})
		},
	},
	"reservations.csv": {
		[]string{"scheduleId"},
		[]string{
			"reservationId", "scheduleId", "userId", "scheduleSeatIds", "totalPrice", "status",
			"imp_uid", "couponId", "discount", "amount", "refunded", "kept", "orderStatus",
		},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportReservations(), func(r store.OwnedReservation) []string {
				if of.schedule != "" && of.schedule != r.ScheduleID {
					return nil
				}
				v := viewReservation(r.Reservation)
				row := cells(v.ReservationID, v.ScheduleID, r.UserID, seatCell(v.ScheduleSeatIDs), v.TotalPrice, v.Status)
				if r.Order == nil {
					return append(row, make([]string, 7)...)
				}
				return append(row, cells(v.ImpUID, v.CouponID, v.Discount, v.Amount, r.Order.Refunded(), keptOf(*r.Order), v.OrderStatus)...)
			})
		},
	},
	"products.csv": {
		[]string{"salePostId"},
		[]string{"salePostId", "name", "price", "stock", "remaining", "status"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportProducts(), func(p orders.Product) []string {
				if of.product != "" && of.product != p.ProductID {
					return nil
				}
				v := viewProduct(p)
				return cells(v.SalePostID, text(v.Name), v.Price, v.Stock, v.Remaining, v.Status)
			})
		},
	},
	"orders.csv": {
		[]string{"salePostId", "scheduleId"},
		[]string{
			"imp_uid", "salePostId", "userId", "count", "amount", "orderStatus", "reason", "placedAt", "merchant_uid", "paid", "refunded",
			"kept", "listAmount", "discount", "couponId", "holdId", "scheduleId", "scheduleSeatIds", "reservationId", "late", "note",
		},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportOrders(), func(o orders.Order) []string {
				if of.product != "" && of.product != o.ProductID || of.schedule != "" && of.schedule != o.ScheduleID {
					return nil
				}
				row := cells(o.PaymentID, o.ProductID, o.User, countCell(o.Count), o.Amount, o.Status, text(o.Reason), o.PlacedAt)
				row = append(row, paymentCells(o.Payment)...)
				return append(row, cells(keptOf(o), o.ListPrice(), o.Discount, o.CouponID, o.HoldID, o.ScheduleID, seatCell(o.ScheduleSeatIDs),
					o.ReservationID, o.Late, text(o.Note))...)
			})
		},
	},
	"audit.csv": {
		[]string{"promotionId", "scheduleId"}, // with both, either may match
		[]string{"at", "sequence", "user", "command", "entity", "reason", "requestId", "outcome"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportAuditLog(), func(a store.AdminAction) []string {
				subject := domain.Kind(a.Command) + "." + a.Entity
				if of != (exportFilter{}) && subject != "coupons."+of.promotion && subject != "seats."+of.schedule {
					return nil
				}
				return cells(a.At, a.Sequence, a.User, a.Command, a.Entity, text(a.Reason), a.Request, cmp.Or(a.Code, "SUCCEEDED"))
			})
		},
	},
}

// exportRows maps items to rows, nil for those that the filter excludes.
func exportRows[T any](all iter.Seq2[T, error], row func(T) []string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for item, err := range all {
			var cells []string
			if err == nil {
				cells = row(item)
			}
			if !yield(cells, err) {
				return
			}
		}
	}
}

// text is a cell of free text; ids are exported as they are, or no look-up would find them.
type text = spreadsheet.Text

// cells are values as text. A time that is not set is an empty cell.
func cells(values ...any) []string {
	row := make([]string, len(values))
	for i, value := range values {
		if value != domain.Time(0) {
			row[i] = fmt.Sprint(value)
		}
	}
	return row
}

// seatCell are the ids of seats in one cell.
func seatCell(ids []int) string { return strings.Trim(fmt.Sprint(ids), "[]") }

// countCell is a number of units; empty for an order of seats.
func countCell(count int) string {
	if count == 0 {
		return ""
	}
	return strconv.Itoa(count)
}

// discountCell is a discount in one cell: an amount, or a percentage with the most that it takes off.
func discountCell(d *coupons.Discount) string {
	switch {
	case d == nil:
		return ""
	case d.Kind == coupons.DiscountFixed:
		return fmt.Sprint(d.Amount)
	case d.MaxAmount > 0:
		return fmt.Sprintf("%d%% max %d", d.Percent, d.MaxAmount)
	}
	return fmt.Sprintf("%d%%", d.Percent)
}

// appliesToCell are the products and schedules in one cell; empty: all.
func appliesToCell(to *coupons.AppliesTo) string {
	if to == nil {
		return ""
	}
	var ids []string
	for _, id := range to.ProductIDs {
		ids = append(ids, "product="+id)
	}
	for _, id := range to.ScheduleIDs {
		ids = append(ids, "schedule="+id)
	}
	return strings.Join(ids, " ")
}

// keptOf is what the sale keeps of an order: what was paid and neither refunded nor is to be.
func keptOf(o orders.Order) int64 {
	if o.Status == orders.StatusPaid {
		return o.Payment.Refundable()
	}
	return o.Kept
}

// paymentCells are the last known state of a payment at the provider; empty when unknown.
func paymentCells(p *orders.Payment) []string {
	if p == nil {
		return make([]string, 3)
	}
	paid := int64(0)
	if p.State == orders.PaymentPaid || p.State == orders.PaymentCancelled {
		paid = p.Amount
	}
	if domain.CheckID(p.MerchantUID) != nil { // the sale chose it
		return cells(text(p.MerchantUID), paid, p.Cancelled)
	}
	return cells(p.MerchantUID, paid, p.Cancelled)
}
