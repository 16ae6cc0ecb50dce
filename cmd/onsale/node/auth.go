package node

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"onsale/http/auth"
)

// openAuth opens the authenticator, whose tickets any node of this log redeems: it asks the one that issued them.
func (n *Node) openAuth() error {
	c := n.config
	a, err := auth.New(auth.Config{
		Mode: auth.Mode(c.Auth.Mode), Secret: c.Auth.Secret, JWKS: c.Auth.JWKS,
		Issuer: c.Auth.Issuer, Audience: c.Auth.Audience, Leeway: c.Auth.Leeway, UserClaim: c.Auth.UserClaim, RolesClaim: c.Auth.RolesClaim,
		UserHeader: c.Auth.UserHeader, RolesHeader: c.Auth.RolesHeader, TrustedProxies: c.Proxies(),
		Node: c.Node, Redeem: n.redeemTicket, Logger: n.logger,
	})
	n.auth = a
	return err
}

// answerTicket redeems a ticket for another node. Nil: it is none.
func (n *Node) answerTicket(ticket []byte) []byte {
	who, err := n.auth.RedeemTicket(string(ticket))
	if err != nil {
		return nil
	}
	answer, _ := json.Marshal(who)
	return answer
}

// redeemTicket redeems a ticket at the node that issued it.
func (n *Node) redeemTicket(ctx context.Context, node, ticket string) (who auth.Identity, err error) {
	if n.log.Embedded() {
		return who, errors.New("there are no other nodes")
	}
	answer, err := n.log.AskNode(ctx, node, []byte(ticket))
	if err != nil {
		return who, err
	}
	return who, json.Unmarshal(answer, &who)
}

// readyNotes are what this node cannot check, what it does without, and what an operator must do soon.
func (n *Node) readyNotes() []string {
	notes := slices.Concat(n.auth.Notes(), n.certificate.notes())
	if len(n.config.NATS.URL) > 0 {
		notes = append(notes, "only the leaders of the logs are checked, not their replicas")
	}
	if n.payments != nil {
		notes = append(notes, n.payments.ReadyNotes()...)
	}
	return notes
}
