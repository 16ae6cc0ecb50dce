// Exports: everything of a kind as CSV (RFC 4180), written a piece at a time while it is read, however much it is. A
// download that breaks off has no proper end, so that nobody takes it for the whole.
package http

import (
	"bufio"
	"encoding/csv"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"onsale/domain"
	"onsale/projections"
)

// chosen is what an export is of; "" is all.
type chosen struct{ promotion, schedule, product string }

const pieceOfExport = 32 << 10

// export answers GET /api/v1/admin/export/:file.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	err := s.moment(w, r, query, theShop, func(*projections.View) error { return nil })
	if err != nil {
		return err
	}
	name := r.PathValue("file")
	file, known := files[name]
	if !known {
		return refuse(notFound, "the files are %s", strings.Join(slices.Sorted(maps.Keys(files)), ", "))
	}
	of, err := s.choose(query, file)
	if err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = []string{"text/csv; charset=utf-8; header=present"}
	h["Content-Disposition"] = []string{`attachment; filename="` + name + `"`}
	if r.Method == http.MethodHead {
		return nil
	}
	if err := writeRows(w, r, file.columns, file.rows(s, of)); err != nil {
		if r.Context().Err() == nil { // else the client went away
			s.Log.Error("an export broke off", "id", h.Get("X-Request-Id"), "file", name, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// choose reads ?promotionId=, ?scheduleId= and ?salePostId=. A filter that the file does not know is refused: whoever
// sends it would take everything for a part.
func (s *Server) choose(query url.Values, file exportFile) (of chosen, err error) {
	of.promotion, err = chooseOne(query, "promotionId", file.filters, s.promotionExists, domain.PromotionNotFound)
	if err == nil {
		of.schedule, err = chooseOne(query, "scheduleId", file.filters, s.scheduleExists, domain.ScheduleNotFound)
	}
	if err == nil {
		of.product, err = chooseOne(query, "salePostId", file.filters, s.productExists, domain.ProductNotFound)
	}
	return of, err
}

func chooseOne(query url.Values, filter string, known []string, exists func(string) (bool, error), missing string) (string, error) {
	if !query.Has(filter) {
		return "", nil
	}
	id := query.Get(filter)
	if !slices.Contains(known, filter) {
		return "", refuseField(invalidParameter, filter, "is no filter of this file")
	}
	if err := checkID(id, filter, maxEntityID); err != nil {
		return "", err
	}
	found, err := exists(id)
	if err == nil && !found {
		err = refuse(missing, "")
	}
	return id, err
}

// writeRows ends early when the client goes away, or takes nothing for a minute. A row that is nil is left out.
func writeRows(w http.ResponseWriter, r *http.Request, columns []string, rows iter.Seq2[[]string, error]) error {
	client := patient{w, http.NewResponseController(w)}
	defer client.connection.SetWriteDeadline(time.Time{})
	out := csv.NewWriter(bufio.NewWriterSize(client, pieceOfExport))
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
				row[i] = noFormula(row[i])
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

// patient gives the client a minute for every piece.
type patient struct {
	w          http.ResponseWriter
	connection *http.ResponseController
}

func (p patient) Write(piece []byte) (int, error) {
	_ = p.connection.SetWriteDeadline(time.Now().Add(largeAnswerWithin)) // not every writer has one
	return p.w.Write(piece)
}

// noFormula keeps a spreadsheet from computing what somebody has written as a name or a reason.
func noFormula(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
