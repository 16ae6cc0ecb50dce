package peer

import (
	"context"
	"net/http"
	"sync/atomic"
)

// ServeEmpty answers 202 to every command and does nothing but count: what net/http costs alone. It serves until ctx ends.
func ServeEmpty(ctx context.Context) error {
	var issued atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/promotions/{id}/coupons", func(w http.ResponseWriter, r *http.Request) {
		issued.Add(1)
		respondAccepted(w, r.Header.Get("Idempotency-Key"))
	})
	mux.HandleFunc("POST /api/v1/admin/promotions", func(w http.ResponseWriter, _ *http.Request) {
		issued.Store(0)
		respond(w, http.StatusCreated, promotion{})
	})
	mux.HandleFunc("GET /api/v1/promotions/{id}", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, promotion{Issued: issued.Load()})
	})
	return listen(ctx, mux)
}
