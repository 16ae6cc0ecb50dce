// The way of a coupon from the queue in Redis to the database, and from there to the streams.

package peer

import (
	"context"
	"errors"
	"log"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A coupon that comes twice, because a worker ended between the commit and the acknowledgement, changes nothing.
const insertBatch = `
WITH made AS (
  INSERT INTO coupons (promotion_id, user_id, request_id, number)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
  ON CONFLICT DO NOTHING RETURNING promotion_id)
UPDATE promotions p SET issued = issued + m.n
FROM (SELECT promotion_id, count(*) AS n FROM made GROUP BY 1) m WHERE p.id = m.promotion_id`

// work writes what is in the queue until ctx ends. First comes what an earlier process took and did not finish.
func (q *redisQueue) work(ctx context.Context, name string) {
	const unfinished, next = "0", ">"
	from := unfinished
	for ctx.Err() == nil {
		read, err := q.client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: workers, Consumer: name, Streams: []string{queue, from}, Count: int64(q.settings.Batch), Block: time.Second,
		}).Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err == nil && (len(read) == 0 || len(read[0].Messages) == 0) {
			from = next
			continue
		}
		if err == nil {
			err = q.write(ctx, read[0].Messages)
		}
		if err != nil && ctx.Err() == nil {
			log.Print(err)
			from = unfinished
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// write commits a batch of coupons, and then publishes and acknowledges it.
func (q *redisQueue) write(ctx context.Context, messages []redis.XMessage) error {
	n := len(messages)
	ids, promotions, users, requests, numbers := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
	for i, m := range messages {
		text := func(field string) string { s, _ := m.Values[field].(string); return s }
		ids[i], promotions[i], users[i], requests[i] = m.ID, text("p"), text("u"), text("r")
		numbers[i], _ = strconv.ParseInt(text("n"), 10, 64)
	}
	if _, err := q.pool.Exec(ctx, insertBatch, promotions, users, requests, numbers); err != nil {
		return err
	}
	_, err := q.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		var message strings.Builder
		for i := range messages {
			outcome{promotions[i], users[i], requests[i], numbers[i]}.appendLine(&message)
			if (i+1)%q.settings.PerMessage == 0 || i == n-1 {
				p.Publish(ctx, channel, message.String())
				message.Reset()
			}
		}
		p.XAck(ctx, queue, workers, ids...)
		p.XDel(ctx, queue, ids...)
		return nil
	})
	return err
}
