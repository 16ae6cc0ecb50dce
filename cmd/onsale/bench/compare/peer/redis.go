package peer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

const (
	queue   = "coupon:issue-queue" // a stream
	workers = "issuers"            // its group of consumers
	channel = "coupon-issue-complete"
)

// One script, so that the stock, the set of users and the queue always agree.
var takeUnit = redis.NewScript(`
local p = redis.call('HMGET', KEYS[1], 'left', 'total')
if not p[1] then return -3 end
local left = tonumber(p[1])
if left <= 0 then
  if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 1 then return -1 end
  return -2
end
if redis.call('SADD', KEYS[2], ARGV[1]) == 0 then return -1 end
redis.call('HINCRBY', KEYS[1], 'left', -1)
local number = tonumber(p[2]) - left + 1
redis.call('XADD', KEYS[3], '*', 'p', ARGV[2], 'u', ARGV[1], 'r', ARGV[3], 'n', number)
return number
`)

// RedisSettings are what can be tuned.
type RedisSettings struct {
	Pipelines  int // commands that arrive together share so many pipelines; 0: a round trip for each command
	Workers    int // from the queue to the database
	Batch      int // the most coupons in a transaction
	PerMessage int // outcomes in a message of Pub/Sub
}

// redisQueue decides in Redis, and writes to PostgreSQL later.
type redisQueue struct {
	database
	client   *redis.Client
	settings RedisSettings
	requests chan request // nil without pipelines
}

// ServeRedis serves until ctx ends.
func ServeRedis(ctx context.Context, redisAddress, databaseURL string, settings RedisSettings) error {
	if settings.Pipelines < 0 || settings.Workers < 1 || settings.Batch < 1 || settings.PerMessage < 1 {
		return errors.New("pipelines are 0 or more, the other settings 1 or more")
	}
	db, err := openDatabase(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer db.pool.Close()
	q := &redisQueue{database: db, client: redis.NewClient(&redis.Options{Addr: redisAddress, PoolSize: 64}), settings: settings}
	defer q.client.Close()
	err = q.client.XGroupCreateMkStream(ctx, queue, workers, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return err
	}
	if err := takeUnit.Load(ctx, q.client).Err(); err != nil {
		return err
	}
	subscription := q.client.Subscribe(ctx, channel)
	defer subscription.Close()
	if _, err := subscription.Receive(ctx); err != nil {
		return err
	}
	if settings.Pipelines > 0 {
		q.requests = make(chan request, 4096)
	}
	for range settings.Pipelines {
		go q.decideAll(ctx)
	}
	for i := range settings.Workers {
		go q.work(ctx, fmt.Sprintf("worker-%d", i))
	}
	s := &server{q, newStreams()}
	go func() {
		for message := range subscription.Channel(redis.WithChannelSize(100_000)) {
			s.streams.deliver(message.Payload)
		}
	}()
	return listen(ctx, s.routes())
}

func (q *redisQueue) create(ctx context.Context, p promotion) error {
	if err := q.database.create(ctx, p); err != nil {
		return err
	}
	return q.client.HSet(ctx, "promotion:"+p.ID, "left", p.Stock, "total", p.Stock).Err()
}

func (q *redisQueue) issue(ctx context.Context, promotionID, user, requestID string) (verdict, error) {
	r := request{promotionID, user, requestID, make(chan result, 1)}
	if q.requests == nil {
		got := verdictOf(q.take(ctx, q.client, r))
		return got.verdict, got.err
	}
	q.requests <- r
	got := <-r.done
	return got.verdict, got.err
}

func (q *redisQueue) take(ctx context.Context, to redis.Scripter, r request) *redis.Cmd {
	key := "promotion:" + r.promotion
	return takeUnit.EvalSha(ctx, to, []string{key, key + ":users", queue}, r.user, r.promotion, r.id)
}

func verdictOf(c *redis.Cmd) result {
	n, err := c.Int()
	return result{verdict(min(n, int(accepted))), err}
}

// decideAll sends the requests that wait at the same moment in one pipeline.
func (q *redisQueue) decideAll(ctx context.Context) {
	buffer := make([]request, 0, 256)
	for {
		batch, ok := gather(ctx, q.requests, buffer)
		if !ok {
			return
		}
		replies := make([]*redis.Cmd, len(batch))
		_, _ = q.client.Pipelined(ctx, func(p redis.Pipeliner) error { // each reply has its error
			for i, r := range batch {
				replies[i] = q.take(ctx, p, r)
			}
			return nil
		})
		for i, r := range batch {
			r.done <- verdictOf(replies[i])
		}
	}
}
