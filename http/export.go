// Exports as CSV (RFC 4180), written while they are read, so that their size does not matter. A download that fails has no
// proper end: it cannot be mistaken for the whole.

package http

import (
	"bufio"
	"cmp"
	"encoding/csv"
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
	"onsale/projections/store"
)

// exportFilter restricts an export to one entity; "" is all.
type exportFilter struct{ promotion, schedule, product string }

const exportBufferSize = 32 << 10

// export answers GET /api/v1/admin/export/:file.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	err := s.readSnapshot(w, r, query, anonymousAsAdmin, func(*store.View) error { return nil })
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
	defer client.connection.SetWriteDeadline(time.Time{})
	out := csv.NewWriter(bufio.NewWriterSize(client, exportBufferSize))
	out.UseCRLF = true
	if err := out.Write(columns); err != nil {
		return err
	}
	for row, err := range rows {
		if err == nil {
			err = r.Context().Err()
		}
		if err == nil && row != nil {
			for i := range row {
				row[i] = escapeFormula(row[i])
			}
			err = out.Write(row)
		}
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// deadlineWriter gives the client a minute for each write.
type deadlineWriter struct {
	w          http.ResponseWriter
	connection *http.ResponseController
}

func (p deadlineWriter) Write(b []byte) (int, error) {
	_ = p.connection.SetWriteDeadline(time.Now().Add(largeResponseTimeout)) // not every writer supports it
	return p.w.Write(b)
}

// escapeFormula keeps spreadsheets from evaluating a cell as a formula.
func escapeFormula(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

type exportFile struct {
	filters []string
	columns []string
	rows    func(*Server, exportFilter) iter.Seq2[[]string, error]
}

var exportFiles = map[string]exportFile{
	"promotions.csv": {
		[]string{"promotionId"},
		[]string{"promotionId", "name", "stock", "issued", "remaining", "status", "opensAt", "closesAt", "perUserLimit"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportPromotions(), func(p coupons.Promotion) ([]string, error) {
				if of.promotion != "" && of.promotion != p.PromotionID {
					return nil, nil
				}
				v := s.viewPromotion(p, 0)
				return []string{v.PromotionID, v.Name, strconv.Itoa(v.Stock), strconv.Itoa(v.Issued), strconv.Itoa(v.Remaining),
					string(v.Status), timeCell(v.OpensAt), timeCell(v.ClosesAt), strconv.Itoa(v.PerUserLimit)}, nil
			})
		},
	},
	"coupons.csv": {
		[]string{"promotionId"},
		[]string{"couponId", "promotionId", "number", "userId", "status", "issuedAt"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportCoupons(of.promotion), func(c store.OwnedCoupon) ([]string, error) {
				return []string{c.CouponID, c.PromotionID, strconv.Itoa(c.Number), c.UserID, c.Status.String(), timeCell(c.IssuedAt)}, nil
			})
		},
	},
	"seats.csv": {
		[]string{"scheduleId"},
		[]string{"scheduleId", "scheduleSeatId", "section", "row", "number", "price", "status", "userId", "under", "until"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportSeats(of.schedule), func(seat store.OwnedSeat) ([]string, error) {
				return []string{seat.ScheduleID, strconv.Itoa(seat.ScheduleSeatID), seat.Section, seat.Row, strconv.Itoa(seat.Number),
					strconv.FormatInt(seat.Price, 10), string(seat.Status), seat.UserID, seat.RefID, timeCell(seat.Until)}, nil
			})
		},
	},
	"reservations.csv": {
		[]string{"scheduleId"},
		[]string{"reservationId", "scheduleId", "userId", "scheduleSeatIds", "totalPrice", "status"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportReservations(), func(r store.OwnedReservation) ([]string, error) {
				if of.schedule != "" && of.schedule != r.ScheduleID {
					return nil, nil
				}
				v := viewReservation(r.Reservation)
				return []string{v.ReservationID, v.ScheduleID, r.UserID, strings.Trim(fmt.Sprint(v.ScheduleSeatIDs), "[]"),
					strconv.FormatInt(v.TotalPrice, 10), v.Status}, nil
			})
		},
	},
	"products.csv": {
		[]string{"salePostId"},
		[]string{"salePostId", "name", "price", "stock", "remaining", "status"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportProducts(), func(p orders.Product) ([]string, error) {
				if of.product != "" && of.product != p.ProductID {
					return nil, nil
				}
				v := viewProduct(p)
				return []string{v.SalePostID, v.Name, strconv.FormatInt(v.Price, 10), strconv.Itoa(v.Stock), strconv.Itoa(v.Remaining), string(v.Status)}, nil
			})
		},
	},
	"orders.csv": {
		[]string{"salePostId"},
		[]string{"imp_uid", "salePostId", "userId", "count", "amount", "orderStatus", "reason", "placedAt", "merchant_uid", "paid", "refunded"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportOrders(), func(o orders.Order) ([]string, error) {
				if of.product != "" && of.product != o.ProductID {
					return nil, nil
				}
				return append([]string{o.PaymentID, o.ProductID, o.User, strconv.Itoa(o.Count), strconv.FormatInt(o.Amount, 10), string(o.Status),
					o.Reason, timeCell(o.PlacedAt)}, paymentCells(o.Payment)...), nil
			})
		},
	},
	"audit.csv": {
		[]string{"promotionId", "scheduleId"},
		[]string{"at", "sequence", "user", "command", "entity", "reason", "requestId", "outcome"},
		func(s *Server, of exportFilter) iter.Seq2[[]string, error] {
			return exportRows(s.Projector.ExportAuditLog(), func(d store.AdminAction) ([]string, error) { return auditCells(d, of) })
		},
	},
}

// exportRows maps items to rows.
func exportRows[T any](all iter.Seq2[T, error], row func(T) ([]string, error)) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for t, err := range all {
			var cells []string
			if err == nil {
				cells, err = row(t)
			}
			if !yield(cells, err) {
				return
			}
		}
	}
}

// auditCells is the row of an admin action, nil if the filter excludes it. With two filters, either may match.
func auditCells(d store.AdminAction, filter exportFilter) ([]string, error) {
	subject := domain.Kind(d.Command) + "." + d.Entity
	if filter != (exportFilter{}) && subject != "coupons."+filter.promotion && subject != "seats."+filter.schedule {
		return nil, nil
	}
	sequence := strconv.FormatUint(d.Sequence, 10)
	return []string{timeCell(d.At), sequence, d.User, d.Command, d.Entity, d.Reason, d.Request.String(), cmp.Or(d.Code, "SUCCEEDED")}, nil
}

// paymentCells are the last known state of a payment at the provider; empty when unknown.
func paymentCells(p *orders.Payment) []string {
	if p == nil {
		return []string{"", "", ""}
	}
	paid := int64(0)
	if p.State == orders.PaymentPaid || p.State == orders.PaymentCancelled {
		paid = p.Amount
	}
	return []string{p.MerchantUID, strconv.FormatInt(paid, 10), strconv.FormatInt(p.Cancelled, 10)}
}

func timeCell(t domain.Time) string {
	if t == 0 {
		return ""
	}
	return t.String()
}
