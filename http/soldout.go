// Promotions with "soldOut":"answer": once it is confirmed that nothing is left, requests for a coupon are refused before anything is
// appended, and leave no record. Whether that is so the projector says; here it is only asked, for no more than it costs.

package http

import (
	"onsale/domain"
	"onsale/domain/coupons"
)

// soldOutField is what requests get when nothing is left. In the log "record" is "", as in promotions from before there was a choice.
func soldOutField(o *object) string {
	text := o.Text("soldOut")
	switch {
	case text == "record":
		return ""
	case text == "" && o.Has("soldOut"):
		o.Invalid("soldOut", "is empty")
	}
	return text
}

// refuseSoldOut returns the answer to a request for a coupon of a promotion that records none of those that come too late, or nil. A
// request that is known goes on to its first outcome: it is looked for among those in flight before those that are decided.
func (s *Server) refuseSoldOut(e *inflightRequest, req commandRequest) error {
	if _, issue := req.body.(coupons.Issue); !issue || !s.Projector.MayRefuse(req.entity) || s.isolated() {
		return nil
	}
	if e.keyed && s.inflight.find(e.request) != nil {
		return nil
	}
	refusal, refused := s.Projector.Refusal(req.entity, e.user, e.request, domain.At(s.now()))
	if !refused {
		return nil
	}
	p := problemf(domain.SoldOut, "")
	p.Details = domain.Details{SoldOutSequence: refusal.SoldOutSequence, Offered: refusal.Offered}
	p.EventID = s.position(refusal.EventNumber)
	return p
}
