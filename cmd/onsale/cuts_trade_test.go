// What happens in the shop while its listeners are cut off.

package main

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	httpd "onsale/http"
)

// In the hall the first seats are for people; the others the shop blocks and unblocks, all at once, which is more frames
// of one event than go out in one write.
const (
	forPeople = 200
	hallSeats = 900
	buyers    = 20
)

func (c *cutting) open() {
	c.t.Helper()
	c.create("/api/v1/admin/promotions", map[string]any{
		"promotionId": "rush", "name": "rush", "stock": 1_000_000, "perUserLimit": 1000,
	})
	for schedule, seats := range map[string]int{"hall": hallSeats, "lobby": 10} {
		c.create("/api/v1/admin/schedules", map[string]any{
			"scheduleId": schedule, "title": schedule, "holdSeconds": 1, "maxSeatsPerUser": 100,
			"sections": []any{map[string]any{"name": "A", "price": 1000, "rows": []any{map[string]any{"name": "1", "seats": seats}}}},
		})
	}
}

// trade is what happens in the shop until it is calm. The answers are nobody's concern: the log has them.
func (c *cutting) trade(busy *sync.WaitGroup) {
	const hall = "/api/v1/schedules/hall/seats/"
	for i := range 6 {
		dice := c.sibling()
		busy.Go(func() {
			for pause(c.storm, some(dice, 4*time.Millisecond)) {
				p := httpd.Client{URL: c.box.url(), User: fmt.Sprint("u", dice.IntN(buyers)), HTTP: c.client}
				for range dice.IntN(3) {
					_, _ = p.Issue(c.ctx, "rush", httpd.Ask{})
				}
				if i == 0 && dice.IntN(10) == 0 {
					_, _ = p.Hold(c.ctx, "lobby", []int{1 + dice.IntN(10)}, httpd.Ask{})
				}
				_, _ = p.Hold(c.ctx, "hall", inRow(1+dice.IntN(forPeople-5), 1+dice.IntN(5)), httpd.Ask{})
				switch dice.IntN(4) {
				case 0:
					_, _ = p.Command(c.ctx, hall+"reserve", map[string]any{"scheduleSeatIds": inRow(1+dice.IntN(forPeople), 1)}, httpd.Ask{})
				case 1:
					_, _ = p.Command(c.ctx, hall+"release", map[string]any{"scheduleSeatIds": inRow(1, forPeople)}, httpd.Ask{})
				}
			}
		})
	}
	rushes, dice := c.sibling(), c.sibling()
	busy.Go(func() {
		for pause(c.storm, some(rushes, 1500*time.Millisecond)) {
			c.rush()
		}
	})
	busy.Go(func() {
		for verb := "block"; pause(c.storm, some(dice, 400*time.Millisecond)); {
			_, _ = c.alarm(fmt.Sprint("u", dice.IntN(buyers)))
			const hall = "/api/v1/admin/schedules/hall/"
			some := map[string]any{"scheduleSeatIds": inRow(1+dice.IntN(100), 100), "reason": "x"}
			_, _ = c.admin.Command(c.ctx, hall+"release", some, httpd.Ask{})
			rest := map[string]any{"scheduleSeatIds": inRow(forPeople+1, hallSeats-forPeople), "reason": "x"}
			answer, err := c.admin.Command(c.ctx, hall+verb, rest, httpd.Ask{})
			if err == nil && answer.HTTPStatus == http.StatusOK {
				verb = map[string]string{"block": "unblock", "unblock": "block"}[verb]
			}
		}
	})
}

// alarm tells somebody something, and waits until that is decided.
func (c *cutting) alarm(user string) (httpd.Answer, error) {
	body := map[string]any{"userId": user, "message": "hello"}
	return c.admin.Command(c.ctx, "/api/v1/admin/alarms", body, httpd.Ask{Wait: new(30 * time.Second)})
}

// rush is so many people at once that the ring forgets all that was. Nobody listens for most of them.
func (c *cutting) rush() {
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			p := httpd.Client{URL: c.box.url(), User: fmt.Sprint("u", i), HTTP: c.client}
			for range 25 {
				_, _ = p.Issue(c.ctx, "rush", httpd.Ask{})
			}
		})
	}
	all.Wait()
}

// inRow is so many seats side by side.
func inRow(from, count int) (seats []int) {
	for i := range count {
		seats = append(seats, from+i)
	}
	return seats
}
