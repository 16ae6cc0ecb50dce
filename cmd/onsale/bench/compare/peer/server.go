// Package peer is what a team would run instead of onsale, built with care and cut to the sale of coupons: its stores decide and
// keep them, and all of them answer the same requests in the same way. README.md says what each of them does not do.
package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"
)

// store decides and keeps what is asked for. After a coupon is in the database, it is passed on to the streams.
type store interface {
	create(ctx context.Context, p promotion) error
	issue(ctx context.Context, promotionID, user, requestID string) (verdict, error)
	promotion(ctx context.Context, id string) (promotion, error)
	coupons(ctx context.Context, user string) ([]coupon, error)
}

type verdict int

// Everything below 0 is a refusal. The script of redisQueue returns these numbers.
const (
	accepted      verdict = 1
	alreadyIssued verdict = -1
	soldOut       verdict = -2
	notFound      verdict = -3
)

type promotion struct {
	ID        string `json:"promotionId"`
	Name      string `json:"name"`
	Stock     int64  `json:"stock"`
	Issued    int64  `json:"issued"`
	Remaining int64  `json:"remaining"`
	Status    string `json:"status"`
}

type coupon struct {
	ID        string `json:"couponId"`
	Promotion string `json:"promotionId"`
	Number    int64  `json:"number"`
}

type server struct {
	store
	streams *streams
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/promotions/{id}/coupons", s.handleIssue)
	mux.HandleFunc("GET /api/v1/promotions/{id}", s.handlePromotion)
	mux.HandleFunc("POST /api/v1/admin/promotions", s.handleCreate)
	mux.HandleFunc("GET /api/v1/me/coupons", s.handleCoupons)
	mux.HandleFunc("GET /subscribe/{user}", s.streams.serve)
	return mux
}

func (s *server) handleIssue(w http.ResponseWriter, r *http.Request) {
	id, user, requestID := r.PathValue("id"), r.Header.Get("X-User-Id"), r.Header.Get("Idempotency-Key")
	if user == "" {
		respondProblem(w, http.StatusUnauthorized, "unauthenticated", requestID)
		return
	}
	v, err := s.issue(r.Context(), id, user, requestID)
	switch {
	case err != nil:
		log.Print(err)
		respondProblem(w, http.StatusServiceUnavailable, "outcome_unknown", requestID)
	case v == alreadyIssued:
		respondProblem(w, http.StatusConflict, "already_issued", requestID)
	case v == soldOut:
		respondProblem(w, http.StatusConflict, "sold_out", requestID)
	case v == notFound:
		respondProblem(w, http.StatusNotFound, "promotion_not_found", requestID)
	default:
		respondAccepted(w, requestID)
	}
}

func (s *server) handleCreate(w http.ResponseWriter, r *http.Request) {
	var p promotion
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&p); err != nil || p.ID == "" || p.Stock <= 0 {
		respondProblem(w, http.StatusBadRequest, "invalid_body", "")
		return
	}
	if err := s.create(r.Context(), p); err != nil {
		log.Print(err)
		respondProblem(w, http.StatusConflict, "promotion_exists", "")
		return
	}
	respond(w, http.StatusCreated, p)
}

func (s *server) handlePromotion(w http.ResponseWriter, r *http.Request) {
	p, err := s.promotion(r.Context(), r.PathValue("id"))
	if err != nil {
		respondProblem(w, http.StatusNotFound, "promotion_not_found", "")
		return
	}
	p.Remaining, p.Status = p.Stock-p.Issued, "OPEN"
	if p.Remaining <= 0 {
		p.Status = "SOLD_OUT"
	}
	respond(w, http.StatusOK, p)
}

func (s *server) handleCoupons(w http.ResponseWriter, r *http.Request) {
	items, err := s.coupons(r.Context(), r.Header.Get("X-User-Id"))
	if err != nil {
		log.Print(err)
		respondProblem(w, http.StatusInternalServerError, "internal", "")
		return
	}
	respond(w, http.StatusOK, map[string]any{"items": items})
}

// listen serves until ctx ends, and prints the address as onsale does.
func listen(ctx context.Context, handler http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { s.Close() })()
	log.Printf("listening on http://%s", l.Addr())
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// The responses that are frequent are written without reflection. net/http takes these slices as they are.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
)

func respondAccepted(w http.ResponseWriter, requestID string) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(append(strconv.AppendQuote([]byte(`{"requestId":`), requestID), `,"status":"ACCEPTED"}`...))
}

func respondProblem(w http.ResponseWriter, status int, code, requestID string) {
	w.Header()["Content-Type"] = problemType
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type":"/problems/%s","title":%q,"status":%d,"code":%q,"requestId":%q}`, code, code, status, code, requestID)
}

func respond(w http.ResponseWriter, status int, v any) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
