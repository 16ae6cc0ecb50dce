// The bare server that a service is compared with: its events come from no command, but are asked for likewise.
package load

import (
	"fmt"
	"net/http"
	"time"
)

// Bare asks a server for events that tells one at every POST.
type Bare struct{ connection connection }

// NewBare asks at host.
func NewBare(host string) *Bare { return &Bare{connection{host: host}} }

// Close hangs up.
func (b *Bare) Close() { b.connection.close() }

// Tell asks for one event.
func (b *Bare) Tell() (Event, error) {
	e := Event{Due: time.Now()}
	request := "POST / HTTP/1.1\r\nHost: " + b.connection.host + "\r\nContent-Length: 0\r\n\r\n"
	status, body, err := b.connection.exchange([]byte(request))
	if err != nil {
		return e, err
	}
	id, ok := after(body, `"eventId":"`, '"')
	if status != http.StatusOK || !ok {
		return e, fmt.Errorf("the bare server answers %d %s", status, body)
	}
	e.ID, e.Number, e.Answered = string(id), number(id), time.Now()
	return e, nil
}
