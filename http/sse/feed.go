// The feed: streams of every event, for the sale's own servers. What one wants of it is a filter, which is its topic: those with the
// same filter are woken together. Filtered events move the cursor like any other, so heartbeats take the id along.

package sse

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/http/auth"
	"onsale/http/view"
)

// Filter restricts a feed to some events. The zero value is all of them.
type Filter struct {
	Types    string // separated by commas: "orders.succeeded", or "seats.*" for all of a kind
	Entities string // separated by commas
}

// topic is the topic of the feed with this filter. Neither list contains a space.
func (f Filter) topic() Topic {
	return Topic{TopicFeed, cmp.Or(f.Types, "*") + " " + cmp.Or(f.Entities, "*")}
}

// feedFilter is the filter of a topic, ready to match.
type feedFilter struct{ types, kinds, entities []string } // nil: all

func newFeedFilter(id string) *feedFilter {
	f := &feedFilter{}
	types, entities, _ := strings.Cut(id, " ")
	if types != "*" {
		for name := range strings.SplitSeq(types, ",") {
			if kind, ok := strings.CutSuffix(name, ".*"); ok {
				f.kinds = append(f.kinds, kind)
			} else {
				f.types = append(f.types, name)
			}
		}
	}
	if entities != "*" {
		f.entities = strings.Split(entities, ",")
	}
	return f
}

func (f *feedFilter) matches(e *domain.Event) bool {
	if f.entities != nil && !slices.Contains(f.entities, e.Entity) {
		return false
	}
	if f.types == nil && f.kinds == nil {
		return true
	}
	name, _ := e.Body.Type()
	return slices.Contains(f.types, name) || slices.Contains(f.kinds, domain.Kind(name))
}

// Feed serves the events that pass the filter as a stream, each as a CloudEvent if cloudEvents.
func (h *Hub) Feed(w http.ResponseWriter, r *http.Request, who auth.Identity, filter Filter, cloudEvents bool) {
	h.serve(w, r, filter.topic(), cursor{audience: feedAudience(cloudEvents)}, who.Expires)
}

func feedAudience(cloudEvents bool) view.Audience {
	if cloudEvents {
		return view.Audience{Content: view.FeedCloudEvents}
	}
	return view.Audience{Content: view.Feed}
}
