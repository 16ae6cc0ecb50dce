// /api/v1/admin/stats: totals, and the state of each sale.

package http

import (
	"context"
	"net/http"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/http/auth"
	"onsale/projections"
	"onsale/projections/store"
)

type statsView struct {
	At                domain.Time                  `json:"at"`
	AcceptedSequence  uint64                       `json:"acceptedSequence"` // a lower bound: how many commands the last message holds is known when it is read
	DecidedSequence   uint64                       `json:"decidedSequence"`
	BacklogMessages   uint64                       `json:"backlogMessages"`  // of COMMANDS, not decided here; each holds one command or more
	DecidedPerSecond  float64                      `json:"decidedPerSecond"` // commands, over the last ten seconds
	Outcomes          uint64                       `json:"outcomes"`         // of all requests in the log
	Events            map[string]uint64            `json:"events"`           // in the log, by type
	Rejections        map[string]map[string]uint64 `json:"rejections"`       // in the log, by type and code
	Holds             int                          `json:"holds"`
	HoldsExpiringSoon int                          `json:"holdsExpiringSoon"` // within a minute
	Waiting           int                          `json:"waiting"`
	Offers            int                          `json:"offers"`
	Orders            map[orders.Status]int        `json:"orders"`      // by status
	UnderRefund       int64                        `json:"underRefund"` // money
	StuckRefunds      int                          `json:"stuckRefunds"`
	Promotions        list[promotionStats]         `json:"promotions"`
	Schedules         list[scheduleStats]          `json:"schedules"`
}

type promotionStats struct {
	promotionView
	Waiting int `json:"waiting"`
}

type scheduleStats struct {
	scheduleView
	Closed  bool                 `json:"closed"`
	Waiting int                  `json:"waiting"`
	Refunds *projections.Refunds `json:"refunds,omitempty"` // of a performance that was called off
}

// stats answers GET /api/v1/admin/stats. It shows the first page of promotions and schedules; the cursors are those of their
// lists.
func (s *Server) stats(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
	at := domain.At(s.now())
	var promotions list[promotionStats]
	var schedules list[scheduleStats]
	err := s.readSnapshot(w, r, r.URL.Query(), who, func(v *store.View) error {
		first := pageRequest{limit: defaultLimit}
		foundPromotions, err := v.Promotions("", first.limit+1)
		if err != nil {
			return err
		}
		promotions = listByID(foundPromotions, first, func(p coupons.Promotion) promotionStats {
			return promotionStats{s.viewPromotion(p, v.Now()), v.WaitingCount(p.PromotionID)}
		}, func(p coupons.Promotion) string { return p.PromotionID })
		foundSchedules, err := v.Schedules("", first.limit+1)
		schedules = listByID(foundSchedules, first, func(s store.Schedule) scheduleStats {
			return scheduleStats{viewSchedule(s), s.Closed, s.Waiting, nil}
		}, func(s store.Schedule) string { return s.ScheduleID })
		return err
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), catchUpTimeout)
	defer cancel()
	stats, err := s.Projector.Stats(ctx)
	if err != nil { // log state unavailable
		p := problemf(notCaughtUp, "")
		p.cause = err
		return p
	}
	for i := range schedules.Items {
		if refunds, calledOff := stats.Refunds[schedules.Items[i].ScheduleID]; calledOff {
			schedules.Items[i].Refunds = &refunds
		}
	}
	return sendJSON(w, http.StatusOK, statsView{
		At: at, AcceptedSequence: max(stats.AcceptedSequence, stats.DecidedSequence), DecidedSequence: stats.DecidedSequence,
		BacklogMessages: stats.Backlog, DecidedPerSecond: stats.Rate, Outcomes: stats.Outcomes, Events: stats.Events,
		Rejections: stats.Rejections, Holds: stats.Holds, HoldsExpiringSoon: stats.Expiring, Waiting: stats.Waiting,
		Offers: stats.Offers, Orders: stats.Orders, UnderRefund: stats.UnderRefund,
		StuckRefunds: stats.StuckRefunds, Promotions: promotions, Schedules: schedules,
	})
}
