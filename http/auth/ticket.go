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

var errTicket error = &TokenError{"the ticket is unknown, used or over 30 s old"}

// ticketStore has the tickets that this node issued. All live equally long, so the oldest expires first.
type ticketStore struct {
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

func newTicketStore(node string, now func() time.Time) *ticketStore {
	return &ticketStore{node: node, max: maxTickets, now: now, issued: map[tokenHash]ticket{}, perUser: map[string]int{}}
}

// IssueTicket makes a ticket for who, which Identify takes once, for a stream, until it expires: not later than who.
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

// cutTicket splits NODE.SECRET. The node's name comes from the client, so it is checked before any node is asked.
func cutTicket(text string) (node, secret string, ok bool) {
	if len(text) > ticketMaxLength {
		return "", "", false
	}
	node, secret, ok = strings.Cut(text, ".")
	ok = ok && node != "" && len(node) <= nodeMaxLength && strings.Trim(node, userCharacters) == "" && secret != "" && strings.Trim(secret, userCharacters) == ""
	return node, secret, ok
}

func (s *ticketStore) issue(who Identity) (string, time.Time, error) {
	text := s.node + "." + rand.Text()
	hash := tokenHash(sha256.Sum256([]byte(text)))
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.forgetExpired(now)
	if len(s.issued) >= s.max || s.perUser[who.User] >= maxTicketsPerUser {
		return "", time.Time{}, ErrTooManyTickets
	}
	expires := now.Add(ticketTTL)
	s.issued[hash] = ticket{who, expires}
	s.queue = append(s.queue, hash)
	s.perUser[who.User]++
	if !who.Expires.IsZero() && who.Expires.Before(expires) {
		expires = who.Expires // it is forgotten later, in the order of the queue
	}
	return text, expires, nil
}

func (s *ticketStore) redeem(text string) (Identity, error) {
	hash := tokenHash(sha256.Sum256([]byte(text)))
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.issued[hash]
	if !ok {
		return Identity{}, errTicket
	}
	s.remove(hash, t)
	if now := s.now(); !now.Before(t.expires) || !t.who.Expires.IsZero() && !now.Before(t.who.Expires) {
		return Identity{}, errTicket
	}
	return t.who, nil
}

// forgetAll removes all tickets: what proved their users is valid no more, at least for some.
func (s *ticketStore) forgetAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.issued)
	clear(s.perUser)
	s.queue = nil
}

// forgetExpired removes what has expired, and the redeemed tickets before it.
func (s *ticketStore) forgetExpired(now time.Time) {
	gone := 0
	for _, hash := range s.queue {
		t, ok := s.issued[hash]
		if ok && now.Before(t.expires) {
			break
		}
		if ok {
			s.remove(hash, t)
		}
		gone++
	}
	s.queue = s.queue[gone:]
	if len(s.queue) > 2*s.max { // most are redeemed
		s.queue = slices.DeleteFunc(s.queue, func(hash tokenHash) bool { _, ok := s.issued[hash]; return !ok })
	}
}

func (s *ticketStore) remove(hash tokenHash, t ticket) {
	delete(s.issued, hash)
	if s.perUser[t.who.User]--; s.perUser[t.who.User] == 0 {
		delete(s.perUser, t.who.User)
	}
}
