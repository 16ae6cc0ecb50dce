// What both stores keep in PostgreSQL, and how it is read.

package peer

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The row of a promotion is updated all the time: with much free room its new versions stay in its page, and no index changes.
const schema = `
CREATE TABLE IF NOT EXISTS promotions (
  id text PRIMARY KEY, name text NOT NULL, stock bigint NOT NULL, issued bigint NOT NULL DEFAULT 0) WITH (fillfactor = 10);
CREATE TABLE IF NOT EXISTS coupons (
  promotion_id text NOT NULL REFERENCES promotions, user_id text NOT NULL, number bigint NOT NULL,
  request_id text NOT NULL, issued_at timestamptz NOT NULL DEFAULT now(), UNIQUE (promotion_id, user_id));
CREATE INDEX IF NOT EXISTS coupons_of_user ON coupons (user_id);`

type database struct{ pool *pgxpool.Pool }

// openDatabase connects, and creates the tables where they are missing.
func openDatabase(ctx context.Context, url string) (database, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return database{}, err
	}
	config.MaxConns, config.MinConns = 16, 16
	// A plan that is made while a table is empty and kept from then on would read all of it; everything here has its index.
	for _, setting := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"} {
		config.ConnConfig.RuntimeParams[setting] = "off"
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return database{}, err
	}
	if _, err := pool.Exec(ctx, schema); err != nil {
		pool.Close()
		return database{}, err
	}
	return database{pool}, nil
}

func (d database) create(ctx context.Context, p promotion) error {
	_, err := d.pool.Exec(ctx, `INSERT INTO promotions (id, name, stock) VALUES ($1, $2, $3)`, p.ID, p.Name, p.Stock)
	return err
}

func (d database) promotion(ctx context.Context, id string) (promotion, error) {
	p := promotion{ID: id}
	err := d.pool.QueryRow(ctx, `SELECT name, stock, issued FROM promotions WHERE id = $1`, id).Scan(&p.Name, &p.Stock, &p.Issued)
	return p, err
}

func (d database) coupons(ctx context.Context, user string) ([]coupon, error) {
	rows, err := d.pool.Query(ctx,
		`SELECT promotion_id || '-' || number, promotion_id, number FROM coupons WHERE user_id = $1 ORDER BY issued_at LIMIT 1000`, user)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[coupon])
}
