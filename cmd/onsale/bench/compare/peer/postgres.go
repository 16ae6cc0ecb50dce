package peer

import (
	"context"
	"log"

	"github.com/jackc/pgx/v5"
)

// Requests that wait at the same moment share one transaction: one lock of the promotion's row, one fsync. Nothing looks for
// earlier coupons: the unique key refuses them. A response comes after the commit, so that it is a decision and no promise.
const issueBatch = `
WITH p AS (SELECT stock, issued FROM promotions WHERE id = $1 FOR UPDATE),
made AS (
  INSERT INTO coupons (promotion_id, user_id, number, request_id)
  SELECT $1, u, p.issued + place, r FROM p, unnest($2::text[], $3::text[]) WITH ORDINALITY AS t(u, r, place)
  WHERE place <= p.stock - p.issued
  ON CONFLICT DO NOTHING RETURNING user_id, request_id, number),
taken AS (UPDATE promotions SET issued = issued + (SELECT count(*) FROM made) WHERE id = $1 AND EXISTS (SELECT 1 FROM made))
SELECT array_agg(request_id), pg_notify('coupons', string_agg($1 || E'\t' || user_id || E'\t' || request_id || E'\t' || number, E'\n'))::text
FROM made GROUP BY number / 64` // a notification has at most 8,000 bytes

// postgres decides in PostgreSQL alone.
type postgres struct {
	database
	batch    int // the most requests in a transaction
	requests chan request
}

type request struct {
	promotion, user, id string
	done                chan result // buffered
}

type result struct {
	verdict verdict
	err     error
}

// ServePostgres serves until ctx ends. At most so many requests share a transaction.
func ServePostgres(ctx context.Context, databaseURL string, batch int) error {
	db, err := openDatabase(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer db.pool.Close()
	listener, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	if _, err := listener.Exec(ctx, "LISTEN coupons"); err != nil {
		return err
	}
	p := &postgres{db, batch, make(chan request, 8192)}
	s := &server{p, newStreams()}
	go p.decideAll(ctx)
	go func() {
		for {
			notification, err := listener.WaitForNotification(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				log.Fatal(err)
			}
			s.streams.deliver(notification.Payload)
		}
	}()
	return listen(ctx, s.routes())
}

func (p *postgres) issue(_ context.Context, promotionID, user, requestID string) (verdict, error) {
	r := request{promotionID, user, requestID, make(chan result, 1)}
	p.requests <- r
	got := <-r.done
	return got.verdict, got.err
}

// gather appends the requests that wait at this moment, one at least, up to the capacity of all; false: ctx has ended.
func gather(ctx context.Context, from <-chan request, all []request) ([]request, bool) {
	select {
	case r := <-from:
		all = append(all, r)
	case <-ctx.Done():
		return all, false
	}
	for len(all) < cap(all) {
		select {
		case r := <-from:
			all = append(all, r)
		default:
			return all, true
		}
	}
	return all, true
}

func (p *postgres) decideAll(ctx context.Context) {
	buffer := make([]request, 0, p.batch)
	for {
		batch, ok := gather(ctx, p.requests, buffer)
		if !ok {
			return
		}
		byPromotion := map[string][]request{}
		for _, r := range batch {
			byPromotion[r.promotion] = append(byPromotion[r.promotion], r)
		}
		for id, requests := range byPromotion {
			winners, err := p.decide(ctx, id, requests)
			for _, r := range requests {
				v := soldOut // or another reason: a batch does not say which
				if winners[r.id] {
					v = accepted
				}
				r.done <- result{v, err}
			}
		}
	}
}

// decide returns the ids of the requests that got a coupon.
func (p *postgres) decide(ctx context.Context, promotionID string, requests []request) (map[string]bool, error) {
	users, ids := make([]string, len(requests)), make([]string, len(requests))
	for i, r := range requests {
		users[i], ids[i] = r.user, r.id
	}
	winners := make(map[string]bool, len(requests))
	rows, err := p.pool.Query(ctx, issueBatch, promotionID, users, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var made []string
		if err := rows.Scan(&made, nil); err != nil {
			return nil, err
		}
		for _, id := range made {
			winners[id] = true
		}
	}
	return winners, rows.Err()
}
