// Tickets: an EventSource can send no header, and a token in a URL would stand in every log. A ticket opens one stream, once,
// within seconds. Only the node that issued it knows it, so a ticket begins with the node's name.

package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	ticketTTL         = 30 * time.Second
	maxTickets        = 100_000 // some 20 MB
	maxTicketsPerUser = 50
	ticketMaxLength   = 64
	nodeMaxLength     = 32
)

// ErrTooManyTickets is the error of IssueTicket while too many tickets were issued and not redeemed: 429 rate_limited.
var ErrTooManyTickets = errors.New("too many tickets have not been redeemed yet")

var errTicket error = &TokenError{"ticket"}

// ticketOffice has the tickets that this node issued. All live equally long, so the oldest expires first.
type ticketOffice struct {
	node string
	max  int
	now  func() time.Time

	mu      sync.Mutex
	issued  map[tokenHash]ticket
	queue   []tokenHash // in the order of their expiry; redeemed ones are still there
	perUser map[string]int
}

type ticket struct {
	who     Identity
	expires time.Time
}

func newTicketOffice(node string, now func() time.Time) *ticketOffice {
	return &ticketOffice{node: node, max: maxTickets, now: now, issued: map[tokenHash]ticket{}, perUser: map[string]int{}}
}

// IssueTicket makes a ticket for who, which Identify takes once, for a stream, until it expires.
func (a *Authenticator) IssueTicket(who Identity) (text string, expires time.Time, err error) {
	return a.tickets.issue(who)
}

// RedeemTicket redeems a ticket of this node, for another one that got it.
func (a *Authenticator) RedeemTicket(text string) (Identity, error) { return a.tickets.redeem(text) }

// redeem redeems a ticket here, or at the node that issued it.
func (a *Authenticator) redeem(ctx context.Context, text string) (Identity, error) {
	node, _, ok := cutTicket(text)
	if !ok {
		return Identity{}, errTicket
	}
	if node == a.config.Node || a.config.Redeem == nil {
		return a.tickets.redeem(text)
	}
	who, err := a.config.Redeem(ctx, node, text)
	if err != nil || who.User == "" {
		return Identity{}, errTicket
	}
	return who, nil
}

// cutTicket splits NODE.SECRET. The node comes from whoever sent the ticket, so it is checked before anybody is asked.
func cutTicket(text string) (node, secret string, ok bool) {
	if len(text) > ticketMaxLength {
		return "", "", false
	}
	node, secret, ok = strings.Cut(text, ".")
	ok = ok && node != "" && len(node) <= nodeMaxLength && strings.Trim(node, userCharacters) == "" && secret != "" && strings.Trim(secret, userCharacters) == ""
	return node, secret, ok
}

func (o *ticketOffice) issue(who Identity) (string, time.Time, error) {
	text := o.node + "." + rand.Text()
	hash := tokenHash(sha256.Sum256([]byte(text)))
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	o.forgetExpired(now)
	if len(o.issued) >= o.max || o.perUser[who.User] >= maxTicketsPerUser {
		return "", time.Time{}, ErrTooManyTickets
	}
	expires := now.Add(ticketTTL)
	o.issued[hash] = ticket{who, expires}
	o.queue = append(o.queue, hash)
	o.perUser[who.User]++
	return text, expires, nil
}

func (o *ticketOffice) redeem(text string) (Identity, error) {
	hash := tokenHash(sha256.Sum256([]byte(text)))
	o.mu.Lock()
	defer o.mu.Unlock()
	t, ok := o.issued[hash]
	if !ok {
		return Identity{}, errTicket
	}
	o.remove(hash, t)
	if now := o.now(); !now.Before(t.expires) || !t.who.Expires.IsZero() && !now.Before(t.who.Expires) {
		return Identity{}, errTicket
	}
	return t.who, nil
}

// forgetExpired removes what has expired, and the redeemed tickets before it.
func (o *ticketOffice) forgetExpired(now time.Time) {
	gone := 0
	for _, hash := range o.queue {
		t, ok := o.issued[hash]
		if ok && now.Before(t.expires) {
			break
		}
		if ok {
			o.remove(hash, t)
		}
		gone++
	}
	o.queue = o.queue[gone:]
	if len(o.queue) > 2*o.max { // most are redeemed
		o.queue = slices.DeleteFunc(o.queue, func(hash tokenHash) bool { _, ok := o.issued[hash]; return !ok })
	}
}

func (o *ticketOffice) remove(hash tokenHash, t ticket) {
	delete(o.issued, hash)
	if o.perUser[t.who.User]--; o.perUser[t.who.User] == 0 {
		delete(o.perUser, t.who.User)
	}
}
